"""test_client_setup.py - how programs set themselves up: Thunderbird, Outlook, Apple's devices, and other mail hosts
(MTA-STS). All of it is answered where it is asked, with TLS and without, and never redirected."""
import http.client
import json
import os
import plistlib
import socket
import ssl
import subprocess
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

import browser
import support
from support import wait_for

DOMAIN, ANN = 'people.example', 'ann@people.example'
AUTODISCOVER = '{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}'
OUTLOOK = '{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}'
SYNC = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006'
PATHS = ('/autodiscover/autodiscover.xml', '/Autodiscover/Autodiscover.xml', '/AutoDiscover/AutoDiscover.xml')


@pytest.fixture(scope='module')
def instance():
    one = support.Instance('mx_hosts = "mx2.posthouse.example *.backup.example";\nresolver = "127.0.0.1:9";\n'
                           'acme = { directory = "https://ca.example/dir"; };\n')
    with one:
        one.add_accounts([ANN])
        yield one


def ask(instance, host, path, tls=True, body=None, kind='text/xml'):
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = http.client.HTTPSConnection('127.0.0.1', instance.ports['https'], timeout=30, context=context)
    else:
        c = http.client.HTTPConnection('127.0.0.1', instance.ports['http'], timeout=30)
    headers = {'Host': host}
    if body is not None:
        headers['Content-Type'] = kind
    c.request('GET' if body is None else 'POST', path, body, headers)
    reply = c.getresponse()
    data = reply.read()
    c.close()
    return reply.status, reply.headers, data


# ---- Thunderbird

@pytest.mark.parametrize('tls', [True, False])
@pytest.mark.parametrize('host,path', [
    ('autoconfig.' + DOMAIN, '/mail/config-v1.1.xml?emailaddress=ann%40people.example'),
    ('autoconfig.' + DOMAIN, '/mail/config-v1.1.xml'),
    (DOMAIN, '/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=ann%40people.example'),
    (DOMAIN, '/.well-known/autoconfig/mail/config-v1.1.xml'),
    ('www.' + support.HOST, '/mail/config-v1.1.xml?emailaddress=ANN%40People.Example')])
def test_thunderbird(instance, host, path, tls):
    status, headers, data = ask(instance, host, path, tls)
    assert status == 200 and headers['Content-Type'] == 'text/xml; charset=utf-8'
    provider = ElementTree.fromstring(data).find('emailProvider')
    assert provider.get('id') == DOMAIN and provider.findtext('domain') == DOMAIN
    for tag, kind, port in (('incomingServer', 'imap', 'imaps'), ('outgoingServer', 'smtp', 'submissions')):
        server = provider.find(tag)
        assert server.get('type') == kind and server.findtext('hostname') == support.HOST
        assert server.findtext('port') == str(instance.ports[port]) and server.findtext('socketType') == 'SSL'
        assert server.findtext('username') == '%EMAILADDRESS%'


def test_thunderbird_learns_nothing_of_others(instance):
    for host, address in (('autoconfig.evil.example', 'x@evil.example'), ('evil.example', ''),
                          ('autoconfig.' + DOMAIN, '"><x'), (DOMAIN, 'a@b@evil.example'), ('[::1]', '%00@' + DOMAIN)):
        status, _, data = ask(instance, host, '/mail/config-v1.1.xml?emailaddress=' + address.replace('"><', '%22%3E%3C'))
        if status == 400:  # not text at all
            continue
        assert status == 200 and b'evil' not in data and b'<x' not in data
        assert ElementTree.fromstring(data).find('emailProvider').get('id') in (DOMAIN, support.HOST)


# ---- Outlook

def request(address, schema='http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'):
    return ('<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/'
            'autodiscover/outlook/requestschema/2006"><Request><EMailAddress>%s</EMailAddress>'
            '<AcceptableResponseSchema>%s</AcceptableResponseSchema></Request></Autodiscover>' % (address, schema))


@pytest.mark.parametrize('tls', [True, False])
def test_outlook(instance, tls):
    for host in ('autodiscover.' + DOMAIN, DOMAIN, 'www.' + support.HOST):
        for path in PATHS:
            status, headers, data = ask(instance, host, path, tls, request(ANN))
            assert status == 200 and headers['Content-Type'] == 'text/xml; charset=utf-8'
            account = ElementTree.fromstring(data).find('%sResponse/%sAccount' % (OUTLOOK, OUTLOOK))
            assert account.findtext(OUTLOOK + 'Action') == 'settings'
            servers = {p.findtext(OUTLOOK + 'Type'): p for p in account.findall(OUTLOOK + 'Protocol')}
            for kind, port in (('IMAP', 'imaps'), ('SMTP', 'submissions')):
                p = servers[kind]
                assert p.findtext(OUTLOOK + 'Server') == support.HOST and p.findtext(OUTLOOK + 'SSL') == 'on'
                assert p.findtext(OUTLOOK + 'Port') == str(instance.ports[port])
                assert p.findtext(OUTLOOK + 'LoginName') == ANN


@pytest.mark.parametrize('body,code', [
    (None, '600'), ('', '600'), ('no document', '600'), ('<EMailAddress/>', '600'), ('<' * 10000, '600'),
    (request('x@evil.example'), '601'), (request('<b>'), '600'), (request('"<x>"@' + DOMAIN), '601'),
    (request(ANN, SYNC), '601'), (request('not an address'), '601'), (request('\u00e4@evil.example'), '601')])
def test_outlook_is_told_what_is_wrong(instance, body, code):
    status, _, data = ask(instance, 'autodiscover.' + DOMAIN, PATHS[0], True,
                          body.encode() if body is not None else None)
    assert status == 200 and b'evil' not in data
    error = ElementTree.fromstring(data).find('%sResponse/%sError' % (AUTODISCOVER, AUTODISCOVER))
    assert error.findtext(AUTODISCOVER + 'ErrorCode') == code


def test_outlook_sends_too_much_and_forms_send_nothing(instance):
    assert ask(instance, DOMAIN, PATHS[0], True, 'x' * 20000)[0] == 413
    status, _, data = ask(instance, DOMAIN, PATHS[0], True, 'EMailAddress=' + ANN,
                          'application/x-www-form-urlencoded')
    assert status == 200 and b'<ErrorCode>600<' in data


def test_nobody_learns_who_is_here(instance):
    """Who exists, and who does not, get the same answer."""
    same = [ask(instance, DOMAIN, PATHS[0], True, request(address))[2].replace(address.encode(), b'*')
            for address in (ANN, 'nobody@' + DOMAIN)]
    assert same[0] == same[1]


def ask_json(instance, query, path='/autodiscover/autodiscover.json', host='autodiscover.' + DOMAIN, tls=True):
    status, headers, data = ask(instance, host, path + query, tls)
    assert headers['Content-Type'] == 'application/json; charset=utf-8'
    return status, json.loads(data)


def test_autodiscover_2(instance):
    """Version 2 says where version 1 is, at which the settings are."""
    want = (200, {'Protocol': 'AutodiscoverV1',
                  'Url': 'https://www.%s/autodiscover/autodiscover.xml' % support.HOST})
    for query in ('?Email=%s&Protocol=AutodiscoverV1&RedirectCount=1', '?email=%s&protocol=autodiscoverv1', '?Protocol=AutodiscoverV1&Email=%s'):
        for host in ('autodiscover.' + DOMAIN, DOMAIN, 'www.' + support.HOST):
            assert ask_json(instance, query % ANN, host=host) == want
    assert ask_json(instance, '?Email=%s&Protocol=AutodiscoverV1' % ANN, '/Autodiscover/Autodiscover.json', tls=False) == want
    assert ask_json(instance, '/v1.0/%s?Protocol=AutodiscoverV1' % ANN) == want
    assert ask_json(instance, '/v1.0/%s?Protocol=AutodiscoverV1' % ('nobody@' + DOMAIN)) == want  # nobody learns who is here
    for query, status, code in (('', 400, 'MandatoryParameterMissing'), ('?Email=' + ANN, 400, 'MandatoryParameterMissing'),
                                ('?Protocol=AutodiscoverV1', 400, 'MandatoryParameterMissing'),
                                ('?Email=%s&Protocol=ActiveSync' % ANN, 400, 'ProtocolNotSupported'),
                                ('?Email=%s&Protocol=%%22%%3Cx' % ANN, 400, 'ProtocolNotSupported'),
                                ('?Email=x@evil.example&Protocol=AutodiscoverV1', 404, 'UserNotFound'),
                                ('?Email=x&Protocol=AutodiscoverV1', 404, 'UserNotFound')):
        found = ask_json(instance, query)
        assert found[0] == status and found[1]['ErrorCode'] == code and 'evil' not in str(found), query
    url = ask_json(instance, '?Email=%s&Protocol=AutodiscoverV1' % ANN)[1]['Url']
    assert b'<Type>IMAP</Type>' in ask(instance, 'www.' + support.HOST, url.split(support.HOST)[1], True, request(ANN))[2]


# ---- Apple

def opened(data, **more):
    """What a signed profile holds."""
    done = subprocess.run(['openssl', 'cms', '-verify', '-inform', 'DER', '-noverify', '-binary'], input=data, capture_output=True, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_apple_sees_who_made_it(instance, tmp_path):
    """The profile is signed with the certificate that the host shows."""
    data = ask(instance, DOMAIN, '/help/apple.mobileconfig?emailaddress=' + ANN)[2]
    found = subprocess.run(['openssl', 'cms', '-cmsout', '-inform', 'DER', '-print'], input=data, capture_output=True).stdout
    assert b'signedData' in found and b'sha256' in found
    signer = tmp_path / 'signer.pem'
    done = subprocess.run(['openssl', 'cms', '-verify', '-inform', 'DER', '-noverify', '-signer', str(signer), '-out', os.devnull],
                          input=data, capture_output=True)
    assert done.returncode == 0, done.stderr
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(('127.0.0.1', instance.ports['https'])) as s:
        with context.wrap_socket(s, server_hostname=support.HOST) as tls:
            assert ssl.PEM_cert_to_DER_cert(signer.read_text()) == tls.getpeercert(True)
    changed = data.replace(b'PayloadContent', b'PayloadXontent')
    assert subprocess.run(['openssl', 'cms', '-verify', '-inform', 'DER', '-noverify'], input=changed, capture_output=True).returncode


def profile(instance, address, host='www.' + support.HOST, tls=True):
    status, headers, data = ask(instance, host, '/help/apple.mobileconfig?emailaddress=' + address, tls)
    return status, headers, plistlib.loads(opened(data)) if status == 200 else None


def test_apple(instance):
    for tls in (True, False):
        for host in ('www.' + support.HOST, 'autoconfig.' + DOMAIN, DOMAIN):
            status, headers, p = profile(instance, ANN, host, tls)
            assert status == 200 and headers['Content-Type'] == 'application/x-apple-aspen-config'
            assert 'mail.mobileconfig' in headers['Content-Disposition']
            mail = p['PayloadContent'][0]
            assert mail['PayloadType'] == 'com.apple.mail.managed' and mail['EmailAccountType'] == 'EmailTypeIMAP'
            assert mail['EmailAddress'] == mail['IncomingMailServerUsername'] == ANN
            assert mail['IncomingMailServerPortNumber'] == instance.ports['imaps']
            assert mail['OutgoingMailServerPortNumber'] == instance.ports['submissions']
            assert mail['IncomingMailServerUseSSL'] is True and mail['OutgoingMailServerUseSSL'] is True
    other = profile(instance, 'bob@' + DOMAIN)[2]
    ids = [uuid.UUID(x) for q in (p, other) for x in (q['PayloadUUID'], q['PayloadContent'][0]['PayloadUUID'])]
    assert len(set(ids)) == 4 and all(i.version == 8 and i.variant == uuid.RFC_4122 for i in ids)
    assert profile(instance, ANN)[2] == p


def test_apple_only_for_our_addresses(instance):
    for address in ('', 'x', 'x@evil.example', '@' + DOMAIN, '%3Cb%3E%0a@' + DOMAIN, 'a@b@' + DOMAIN, 'x' * 400 + '@' + DOMAIN):
        assert profile(instance, address)[0] == 404, address
    strange = '%22%3Cb%3E%26%22@' + DOMAIN
    assert profile(instance, strange)[2]['PayloadContent'][0]['EmailAddress'] == '"<b>&"@' + DOMAIN


def test_help_has_the_profile_of_who_is_signed_in(instance):
    b = browser.Browser(instance.ports['https'])
    assert 'apple.mobileconfig' not in b.get('/help/clients').text
    b.sign_in(ANN, instance.passwords[ANN])
    links = [link for link in b.get('/help/clients').read.links if 'apple.mobileconfig' in link]
    assert len(links) == 1 and b.send('GET', links[0]).status == 200


# ---- other mail hosts

def test_mta_sts(instance):
    """The order for the name's certificate comes and goes with the policy; the transcript has the rest."""
    assert ask(instance, 'mta-sts.' + DOMAIN, '/.well-known/mta-sts.txt')[0] == 404
    found = json.loads(instance.tool('--json', 'domain', 'mta-sts', DOMAIN, 'enforce'))
    status, headers, data = ask(instance, 'mta-sts.' + DOMAIN, '/.well-known/mta-sts.txt')
    assert status == 200 and headers['Content-Type'].startswith('text/plain') and data.decode() == found['policy']
    assert data.split(b'\r\n') == [b'version: STSv1', b'mode: enforce', b'mx: ' + support.HOST.encode(),
                                   b'mx: mx2.posthouse.example', b'mx: *.backup.example', b'max_age: 1209600', b'']
    order = instance.dir / 'tls' / ('mta-sts.%s.order' % DOMAIN)
    wait_for('the order', order.exists, 40)
    assert 'host mta-sts.%s\n' % DOMAIN in order.read_text() and 'customer' in order.read_text()
    instance.tool('domain', 'mta-sts', DOMAIN, 'off')
    wait_for('its end', lambda: not order.exists(), 40)
