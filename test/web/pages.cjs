/*
 * pages.cjs - the pages in Chromium: all of them without scripts at 1280 and 320 pixels, by keyboard
 * alone, and looked at by axe. Prints one JSON object a finding; exits with 1 if there is any.
 *
 *   node pages.cjs URL USER PASSWORD [FOLDER]     FOLDER: where screenshots go
 */
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const [url, user, password, folder] = process.argv.slice(2);
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const sizes = [
	{ name: 'wide', width: 1280, height: 900, colorScheme: 'light' },
	{ name: 'small', width: 320, height: 640, colorScheme: 'light' },
	{ name: 'dark', width: 1280, height: 900, colorScheme: 'dark' },
];
const open = ['/', '/reset', '/signin/passkey', '/recovery/cancel?code=x', '/help', '/help/servers', '/help/tls', '/help/clients', '/help/security', '/help/search', '/help/certificates', '/help/status', '/nothing'];
let inside = ['/mail', '/mail/write', '/mail/folders', '/mail/search?q=hello', '/mail/search?q=+', '/settings', '/settings/confirm', '/device', '/admin'];
let found = 0;

function say(what) {
	found++;
	console.log(JSON.stringify(what));
}

async function look(page, target, size) {
	const reply = await page.goto(url + target);
	const body = await reply.text();
	const name = (target.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'front') + '-' + size.name;
	if (reply.status() >= 500)
		say({ page: target, status: reply.status() });
	if (/\bon[a-z]+=|<script|<style|\bstyle=/.test(body.replace(/<script src="\/static\/key\.js[^>]*>/, '')))
		say({ page: target, inline: true });
	if (folder)
		await page.screenshot({ path: path.join(folder, name + '.png') });
}

/* What needs scripts to be found out: axe's rules, and whether something is wider than the screen. */
async function judge(page, target, size) {
	await page.goto(url + target);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
	if (wide > 0)
		say({ page: target, size: size.name, wider: wide });
	await page.evaluate(axe);
	const result = await page.evaluate(() => axe.run(document, { iframes: false }));
	for (const v of result.violations)
		say({ page: target, size: size.name, rule: v.id, help: v.help, at: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)) });
}

async function signIn(page) {
	await page.goto(url + '/');
	await page.fill('#user', user);
	await page.fill('#password', password);
	await page.click('button.wide');
	await page.waitForURL('**/mail*');
}

async function addresses(page) {
	await page.goto(url + '/mail');
	const links = await page.$$eval('.messages .subject a', (list) => list.map((a) => a.getAttribute('href')));
	const all = await page.$$eval('.settings > nav a', (list) => list.map((a) => a.getAttribute('href')));
	return links.slice(0, 3).concat(all);
}

async function every(browser, size, scripts, each) {
	const context = await browser.newContext({
		viewport: { width: size.width, height: size.height }, colorScheme: size.colorScheme,
		ignoreHTTPSErrors: true, javaScriptEnabled: scripts, bypassCSP: scripts,
	});
	const page = await context.newPage();
	for (const target of open)
		await each(page, target, size);
	await signIn(page);
	for (const target of inside)
		await each(page, target, size);
	await context.close();
}

/* Signs in, opens a message, answers and sends it, signs out: with Tab, Space and Enter alone. */
async function keyboard(browser) {
	const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
	const page = await context.newPage();
	const here = () => page.evaluate(() => {
		const e = document.activeElement, s = getComputedStyle(e);
		return { text: (e.innerText || e.value || e.id || '').trim(), id: e.id, name: e.name || '', outline: s.outlineStyle + s.outlineWidth };
	});
	async function to(what, most) {
		for (let i = 0; i < most; i++) {
			await page.keyboard.press('Tab');
			const at = await here();
			if (at.outline.startsWith('none'))
				say({ keyboard: 'the focus cannot be seen', at });
			if (what(at))
				return;
		}
		throw new Error('not reached by Tab: ' + what);
	}
	await page.goto(url + '/');
	await to((a) => a.id === 'user', 10);
	await page.keyboard.type(user);
	await to((a) => a.id === 'password', 3);
	await page.keyboard.type(password);
	await page.keyboard.press('Enter');
	await page.waitForURL('**/mail*');
	await page.keyboard.press('Tab');
	if (!(await here()).text.startsWith('Skip'))
		say({ keyboard: 'the first thing is not the way to the content', at: await here() });
	const first = (await page.$eval('.messages .subject a', (a) => a.innerText)).trim();
	await to((a) => a.text === first, 120);
	await page.keyboard.press('Enter');
	await page.waitForSelector('#subject');
	await to((a) => a.text === 'Reply', 60);
	await page.keyboard.press('Enter');
	await page.waitForSelector('#body');
	await to((a) => a.id === 'to', 60);
	await page.keyboard.press('Control+A');
	await page.keyboard.type(user);
	await to((a) => a.id === 'body', 10);
	await page.keyboard.type('By keyboard.');
	await to((a) => a.text === 'Send', 20);
	await page.keyboard.press('Enter');
	await page.waitForSelector('.done');
	await to((a) => a.text === 'Sign out', 20);
	await page.keyboard.press('Enter');
	await page.waitForSelector('#user');
	await context.close();
}

(async () => {
	const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
	const context = await browser.newContext({ ignoreHTTPSErrors: true });
	const page = await context.newPage();
	await signIn(page);
	inside = inside.concat(await addresses(page));
	await page.goto(url + '/settings');
	inside = inside.concat(await page.$$eval('.settings > nav a', (list) => list.map((a) => a.getAttribute('href'))));
	await context.close();
	for (const size of sizes) {
		await every(browser, size, false, look);
		await every(browser, size, true, judge);
	}
	await keyboard(browser);
	await browser.close();
	console.log(JSON.stringify({ pages: open.length + inside.length, found }));
	process.exit(found ? 1 : 0);
})().catch((error) => {
	console.error(error);
	process.exit(2);
});
