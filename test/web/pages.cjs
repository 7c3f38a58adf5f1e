/*
 * pages.cjs - pages in Chromium: with scripts off; at 1280 and 320 pixels and in the dark, looked at by
 * axe; by the keyboard alone. Prints one JSON object a finding; exits with 1 if there is any.
 *
 *   node pages.cjs PLAN [FOLDER]     FOLDER: where screenshots go
 *
 * PLAN is a JSON file: url, user, password; cookies of sessions by name; and pages, each with a path,
 * `as` (whose session; none: nobody's), maybe `fill` (selectors and texts, or true for a box) and `click` (a selector).
 */
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const plan = JSON.parse(fs.readFileSync(process.argv[2]));
const folder = process.argv[3];
const { url, user, password } = plan;
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const only = (...values) => ({ runOnly: { type: 'rule', values } });
const sizes = [
	{ name: 'small', width: 320, height: 640, colorScheme: 'light', rules: only('target-size', 'scrollable-region-focusable') },
	{ name: 'dark', width: 1280, height: 900, colorScheme: 'dark', rules: only('color-contrast') },
	{ name: 'wide', width: 1280, height: 900, colorScheme: 'light', rules: {} },
];
const focusable = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
let found = 0;

function say(what) {
	found++;
	console.log(JSON.stringify(what));
}

async function open(page, target) {
	let reply = await page.goto(url + target.path);
	for (const [selector, text] of Object.entries(target.fill || {}))
		await (text === true ? page.check(selector) : page.fill(selector, text));
	await page.evaluate(() => [...document.forms].forEach((form) => { form.noValidate = true; }));
	if (target.click)
		[reply] = await Promise.all([page.waitForNavigation(), page.click(target.click)]);
	return reply;
}

/* Without scripts: it comes, and nothing in it would need one. */
async function look(page, target) {
	const reply = await open(page, target);
	const body = await reply.text();
	if (reply.status() >= 500)
		say({ page: target.name, status: reply.status() });
	if (/\bon[a-z]+=|<script|<style|\bstyle=/.test(body.replace(/<script src="\/static\/key\.js[^>]*>/, '')))
		say({ page: target.name, inline: true });
	const title = await page.title();
	if (!title || !(await page.$('main h1')))
		say({ page: target.name, title, heading: 'there is none' });
}

async function picture(page, target, size) {
	if (!folder)
		return;
	await page.screenshot({ path: path.join(folder, target.name + '-' + size.name + '.png'), fullPage: size.name !== 'dark' });
}

/* axe's rules, and whether something is wider than the screen. */
async function judge(page, target) {
	await open(page, target);
	await page.evaluate(axe);
	for (const size of sizes) {
		await page.setViewportSize({ width: size.width, height: size.height });
		await page.emulateMedia({ colorScheme: size.colorScheme });
		await picture(page, target, size);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		if (wide > 0)
			say({ page: target.name, size: size.name, wider: wide });
		const result = await page.evaluate((rules) => axe.run(document, { iframes: false, ...rules }), size.rules);
		for (const v of result.violations)
			say({ page: target.name, size: size.name, rule: v.id, help: v.help, at: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)) });
	}
	await reach(page, target);
}

/* Everything that can be used is reached by Tab, and one sees where one is. */
async function reach(page, target) {
	const n = await page.evaluate((what) => {
		const all = [...document.querySelectorAll(what)].filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0);
		const key = (e) => e.type === 'radio' ? e.name : e;
		window.left = new Set(all.map(key));
		window.unseen = [];
		document.addEventListener('focusin', (event) => {
			const e = event.target, s = getComputedStyle(e);
			window.left.delete(key(e));
			if (e.tagName !== 'IFRAME' && (s.outlineStyle === 'none' || s.outlineWidth === '0px'))
				window.unseen.push(e);
		});
		getSelection().removeAllRanges();
		document.activeElement.blur();
		return all.length;
	}, focusable);
	for (let i = 0; i < n + 10; i += 10) {
		for (let k = 0; k < 10; k++)
			await page.keyboard.press('Tab');
		if (!await page.evaluate(() => window.left.size))
			break;
	}
	const found = await page.evaluate(() => {
		const html = (list) => [...list].slice(0, 3).map((e) => e.outerHTML ? e.outerHTML.slice(0, 120) : e);
		return { left: html(window.left), unseen: html(window.unseen) };
	});
	if (found.left.length)
		say({ page: target.name, keyboard: 'not reached by Tab', at: found.left });
	if (found.unseen.length)
		say({ page: target.name, focus: 'cannot be seen', at: found.unseen });
}

async function every(browser, options, each) {
	for (const name of ['', ...Object.keys(plan.cookies)]) {
		const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
		if (name)
			await context.addCookies([{ name: '__Host-session', value: plan.cookies[name], url, secure: true, httpOnly: true }]);
		const page = await context.newPage();
		for (const target of plan.pages.filter((p) => (p.as || '') === name)) {
			try {
				await each(page, target);
			} catch (error) {
				say({ page: target.name, error: error.message.slice(0, 300) });
			}
		}
		await context.close();
	}
}

/* Signs in, opens a message, answers and sends it, signs out: with Tab, Space and Enter alone. */
async function keyboard(browser) {
	const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
	const page = await context.newPage();
	const here = () => page.evaluate(() => {
		const e = document.activeElement;
		return { text: (e.innerText || e.value || e.id || '').trim(), id: e.id, name: e.name || '' };
	});
	async function to(what, most) {
		for (let i = 0; i < most; i++) {
			await page.keyboard.press('Tab');
			if (what(await here()))
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
	await every(browser, { javaScriptEnabled: false }, look);
	await every(browser, { bypassCSP: true }, judge);
	await keyboard(browser);
	await browser.close();
	console.log(JSON.stringify({ pages: plan.pages.length, found }));
	process.exit(found ? 1 : 0);
})().catch((error) => {
	console.error(error);
	process.exit(2);
});
