/*
 * keys.cjs - security keys and passkeys in Chromium, with its virtual authenticator (DevTools'
 * WebAuthn domain): a key is added, asked for after the password, and used without one; a key that
 * does not know its user is no passkey; a forgotten password is reset with it. Exits with 1 and says
 * where if anything is otherwise.
 *
 *   node keys.cjs URL USER PASSWORD RESET     RESET: the path of a link by mail
 */
'use strict';
const { chromium } = require('playwright-core');

const [url, user, password, reset] = process.argv.slice(2);

async function signIn(page) {
	await page.goto(url + '/');
	await page.fill('#user', user);
	await page.fill('#password', password);
	await page.click('button.wide');
}

async function signOut(context) {
	await context.clearCookies();
}

async function addKey(page) {
	await page.goto(url + '/settings/factors');
	await page.click('button[name=kind][value=key]');
	await page.waitForSelector('#key-button');
	await page.fill('#factor-name', 'Virtual key');
	await page.click('#key-button');
	await page.waitForSelector('.codes');
	const codes = await page.$$eval('.codes li', (list) => list.length);
	if (codes !== 10)
		throw new Error(codes + ' recovery codes');
	await page.goto(url + '/settings/factors');
	if (!(await page.textContent('main')).includes('Virtual key'))
		throw new Error('the key is not listed');
}

async function giveKey(page) {
	await signIn(page);
	await page.waitForURL((u) => u.pathname === '/signin/factor');
	await page.click('#key-button');
	await page.waitForURL((u) => u.pathname.startsWith('/mail'));
}

async function usePasskey(page) {
	await page.goto(url + '/signin/passkey');
	await page.click('#key-button');
	await page.waitForURL((u) => u.pathname.startsWith('/mail'));
}

async function refusePasskey(page, device, authenticatorId) {
	await device.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
	await page.goto(url + '/signin/passkey');
	await page.click('#key-button');
	await page.waitForSelector('#key-note');
	if (!page.url().includes('/signin/passkey'))
		throw new Error('a key that does not know its user let somebody in');
}

async function resetPassword(page) {
	const after = 'seven lamps along the quay';
	await page.goto(url + reset);
	await page.click('button[value=key]');
	await page.waitForSelector('#key-form');
	await page.fill('#user', user);
	await page.fill('#after', after);
	await page.click('#key-button'); /* one field is empty: nothing is sent */
	await page.fill('#again', 'not the same');
	await page.click('#key-button');
	await page.waitForSelector('#errors');
	await page.fill('#after', after);
	await page.fill('#again', after);
	await page.click('#key-button');
	await page.waitForSelector('.done');
	await page.fill('#user', user);
	await page.fill('#password', after);
	await page.click('button.wide');
	await page.waitForURL((u) => u.pathname === '/signin/factor');
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--ignore-certificate-errors', '--host-resolver-rules=MAP *.posthouse.example 127.0.0.1'],
	});
	const context = await browser.newContext({ ignoreHTTPSErrors: true });
	const page = await context.newPage();
	const device = await context.newCDPSession(page);
	await device.send('WebAuthn.enable');
	const { authenticatorId } = await device.send('WebAuthn.addVirtualAuthenticator', {
		options: {
			protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
			isUserVerified: true, automaticPresenceSimulation: true,
		},
	});
	page.setDefaultTimeout(20000);
	await signIn(page);
	await page.waitForURL((u) => u.pathname.startsWith('/mail'));
	await addKey(page);
	await signOut(context);
	await giveKey(page);
	await signOut(context);
	await usePasskey(page);
	await signOut(context);
	await refusePasskey(page, device, authenticatorId);
	await resetPassword(page);
	await browser.close();
}

main().catch((e) => {
	console.error(e.stack);
	process.exit(1);
});
