/* The one script of these pages: a security key or passkey can be asked only by a script. */
(function () {
	'use strict';
	var form = document.getElementById('key-form');
	var button = document.getElementById('key-button');

	function bytes(text) {
		var plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
		return Uint8Array.from(plain, function (c) { return c.charCodeAt(0); });
	}
	function text(buffer) {
		var plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
		return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
	}
	function say(what) {
		var note = document.getElementById('key-note');
		if (!note) {
			note = document.createElement('p');
			note.id = 'key-note';
			note.className = 'wrong';
			note.setAttribute('role', 'alert');
			form.insertBefore(note, button);
		}
		note.textContent = what;
	}
	function ids(list) {
		return (list || []).map(function (c) {
			return Object.assign({}, c, { id: bytes(c.id) });
		});
	}
	function describe(credential) {
		var r = credential.response;
		var out = { clientDataJSON: text(r.clientDataJSON) };
		if (r.attestationObject)
			out.attestationObject = text(r.attestationObject);
		if (r.authenticatorData)
			out.authenticatorData = text(r.authenticatorData);
		if (r.signature)
			out.signature = text(r.signature);
		if (r.userHandle)
			out.userHandle = text(r.userHandle);
		if (r.getTransports)
			out.transports = r.getTransports();
		return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response: out });
	}
	function ask(options) {
		var o = Object.assign({}, options.publicKey || options);
		o.challenge = bytes(o.challenge);
		if (o.user) {
			o.user = Object.assign({}, o.user, { id: bytes(o.user.id) });
			o.excludeCredentials = ids(o.excludeCredentials);
			return navigator.credentials.create({ publicKey: o });
		}
		o.allowCredentials = ids(o.allowCredentials);
		return navigator.credentials.get({ publicKey: o });
	}
	if (!form || !button)
		return;
	button.addEventListener('click', function (event) {
		event.preventDefault();
		if (form.reportValidity && !form.reportValidity())
			return;
		if (!window.PublicKeyCredential) {
			say('This browser cannot use security keys.');
			return;
		}
		var options;
		try {
			options = JSON.parse(form.dataset.options);
		} catch (e) {
			say('This cannot be checked just now. Please reload the page.');
			return;
		}
		ask(options).then(function (credential) {
			form.elements.assertion.value = describe(credential);
			form.submit();
		}, function () {
			say('It was not confirmed. Please try again.');
		});
	});
}());
