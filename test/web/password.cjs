/*
 * password.cjs - somebody changes the password on the settings page, in Chromium. Says "ready" when the
 * form is filled in; waits for a line; presses the button; says when the page told that it is done
 * (milliseconds of the wall clock), and exits with 1 if this browser is not signed in any more.
 *
 *   node password.cjs URL USER BEFORE AFTER
 */
'use strict';
const readline = require('readline');
const { chromium } = require('playwright-core');

const [url, user, before, after] = process.argv.slice(2);

async function main() {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'] });
	const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false });
	const page = await context.newPage();
	const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
	page.setDefaultTimeout(60000);
	await page.goto(url + '/');
	await page.fill('#user', user);
	await page.fill('#password', before);
	await page.click('button.wide');
	await page.waitForURL((u) => u.pathname.startsWith('/mail'));
	await page.goto(url + '/settings/password');
	await page.fill('#before', before);
	await page.fill('#after', after);
	await page.fill('#again', after);
	console.log('ready');
	await lines.next();
	await page.click('main form button');
	await page.waitForSelector('.done, #errors');
	console.log(Date.now());
	if (!await page.$('.done'))
		throw new Error(await page.textContent('#errors'));
	const reply = await page.goto(url + '/mail');
	if (reply.status() !== 200 || !page.url().includes('/mail'))
		throw new Error('the browser that made the change was signed out: ' + page.url());
	await browser.close();
	process.exit(0);
}

main().catch((e) => {
	console.error(e.stack);
	process.exit(1);
});
