"""test_web_mail.py - reading and writing mail in the pages, by a browser without scripts."""
import concurrent.futures
import email
import email.message
import email.policy
import re
import secrets

import pytest

import browser
import support

NASTY = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>&lt;'


@pytest.fixture
def pair(shared, accounts):
    """Two browsers, signed in."""
    found = []
    for address in accounts:
        b = browser.Browser(shared.ports['https'])
        b.address = address
        page = b.sign_in(address, shared.passwords[address])
        assert page.status == 200 and 'Inbox' in page.words
        found.append(b)
    return found


def deliver(shared, to, subject='Hello', text='hello there\n', html=None, files=(), sender=None,
            **fields):
    m = email.message.EmailMessage(email.policy.SMTP)
    m['From'] = sender or 'Clara <clara@elsewhere.example>'
    m['To'] = to
    m['Subject'] = subject
    m['Message-ID'] = '<%s@elsewhere.example>' % secrets.token_hex(8)
    for name, value in fields.items():
        m[name.replace('_', '-')] = value
    m.set_content(text)
    if html:
        m.add_alternative(html, subtype='html')
    for name, kind, data in files:
        main, sub = kind.split('/')
        m.add_attachment(data, maintype=main, subtype=sub, filename=name)
    with shared.smtp() as s:
        s.sendmail('clara@elsewhere.example', [to], m.as_bytes())
    return m


def mail_links(page):
    return [a for a in page.read.links if a.startswith('/mail/f/') and a.count('/') == 4]


def folder(page, name):
    """The address of a folder by the name that the side shows."""
    for form in page.read.forms:
        pass
    texts = page.text.split('<nav aria-label="Folders">')[1].split('</nav>')[0]
    for item in texts.split('<li'):
        if '<span>%s</span>' % name in item:
            return item.split('href="')[1].split('"')[0]
    raise AssertionError('no folder %s' % name)


def stored(shared, address, mailbox='INBOX'):
    """Messages of a mailbox with their flags, as IMAP has them."""
    with shared.imap(address, mailbox) as client:
        ok, data = client.search(None, 'ALL')
        found = []
        for number in data[0].split():
            ok, parts = client.fetch(number, '(FLAGS BODY.PEEK[])')
            m = email.message_from_bytes(parts[0][1], policy=email.policy.default)
            m.flags = str(parts[0][0]) + str(parts[-1])
            found.append(m)
        return found


# ---- reading

def test_list_and_read(shared, pair):
    alice, _ = pair
    deliver(shared, alice.address, 'First', 'One line\nhttps://x.example/?a=1&b=2\n> quoted\n')
    deliver(shared, alice.address, 'Second')
    page = alice.get('/mail')
    assert '2 messages' in page.words and page.words.index('Second') < page.words.index('First')
    assert page.text.count('class="unread"') == 2
    page = alice.get(mail_links(page)[1])
    assert page.status == 200 and 'One line' in page.words
    assert 'https://x.example/?a=1&b=2' in page.read.links
    assert '\\Seen' in stored(shared, alice.address)[0].flags
    assert alice.get('/mail').text.count('class="unread"') == 1
    for path in ('/mail/f/zz', '/mail/f/ffffffff', mail_links(alice.page)[0] + '9', '/mail/f/1/x'):
        assert alice.send('GET', path).status == 404


def test_pages_of_a_list(shared, pair):
    alice, _ = pair
    for i in range(53):
        deliver(shared, alice.address, 'Number %02d' % i)
    page = alice.get('/mail')
    assert len(mail_links(page)) == 50 and 'page 1 of 2' in page.words
    page = alice.get(next(a for a in page.read.links if a.endswith('page=2')))
    assert len(mail_links(page)) == 3 and 'Number 00' in page.words
    here = page.url.split('?')[0]
    assert len(mail_links(alice.get(here + '?page=99'))) == 3
    assert len(mail_links(alice.get(here + '?page=x'))) == 50


def test_html_is_harmless(shared, pair):
    alice, _ = pair
    deliver(shared, alice.address, 'Html', 'the plain text', html=(
        '<html><head><style>body{background:url(//t.example)}</style></head><body onload=alert(1)>'
        '<p style="color:red;background:url(//t.example/x)">Shown</p><script>alert(1)</script>'
        '<img src="https://t.example/p.gif" alt="pic"><a href="javascript:alert(1)">bad</a>'
        '<a href="https://good.example/">good</a><form action="/settings"><input name=x></form>'
        '<iframe src="/settings"></iframe><base href="//evil.example"><svg onload=alert(1)></body>'))
    page = alice.get(mail_links(alice.get('/mail'))[0])
    frame = [a for tag, a in page.read.tags if tag == 'iframe'][0]
    assert 'allow-scripts' not in frame['sandbox'] and 'allow-same-origin' not in frame['sandbox']
    page = alice.get(frame['src'])
    policy = page.headers['content-security-policy']
    assert "default-src 'none'" in policy and 'sandbox' in policy and 'script' not in policy
    tags = {tag for tag, _ in page.read.tags}
    assert 'Shown' in page.words and 'were not loaded: 1' in page.words
    assert not tags & {'script', 'iframe', 'form', 'input', 'base', 'svg', 'img', 'link'}
    assert page.read.links == ['https://good.example/']
    for _, attributes in page.read.tags:
        assert not [k for k in attributes if k.startswith('on')]
        assert 't.example' not in str(attributes)
    page = alice.get(mail_links(alice.get('/mail'))[0] + '?view=text')
    assert 'the plain text' in page.words and 'iframe' not in {t for t, _ in page.read.tags}


def test_pictures_of_the_message_itself(shared, pair):
    alice, _ = pair
    m = email.message.EmailMessage(email.policy.SMTP)
    m['From'], m['To'], m['Subject'] = 'c@elsewhere.example', alice.address, 'Inline'
    m.set_content('<p><img src="cid:one@x"><img src="cid:two@x"></p>', subtype='html')
    m.add_related(b'\x89PNG fake', maintype='image', subtype='png', cid='<one@x>')
    m.add_related(b'<svg/>', maintype='image', subtype='svg+xml', cid='<two@x>')
    with shared.smtp() as s:
        s.sendmail('c@elsewhere.example', [alice.address], m.as_bytes())
    page = alice.get(mail_links(alice.get('/mail'))[0] + '/html')
    sources = [a['src'] for tag, a in page.read.tags if tag == 'img']
    assert len(sources) == 1 and sources[0].startswith('data:image/png;base64,')


def test_files_and_source(shared, pair):
    alice, _ = pair
    deliver(shared, alice.address, 'Files', files=[
        ('Ü "x".pdf', 'application/pdf', b'%PDF' * 9000), ('a.html', 'text/html', b'<script>x</script>'),
        ('p.png', 'image/png', b'\x89PNG')])
    link = mail_links(alice.get('/mail'))[0]
    page = alice.get(link)
    parts = [a for a in page.read.links if '/part/' in a]
    assert len(parts) == 3
    pdf = alice.get(parts[0])
    assert pdf.body == b'%PDF' * 9000 and pdf.headers['content-type'] == 'application/pdf'
    assert pdf.headers['content-disposition'].startswith('attachment')
    assert 'sandbox' in pdf.headers['content-security-policy']
    assert pdf.headers['x-content-type-options'] == 'nosniff'
    html = alice.get(parts[1] + '?show=1')
    assert html.headers['content-type'] == 'application/octet-stream'
    assert html.headers['content-disposition'].startswith('attachment')
    assert alice.get(parts[2] + '?show=1').headers['content-disposition'].startswith('inline')
    assert alice.send('GET', link + '/part/99').status == 404
    source = alice.get(link + '/source')
    assert source.headers['content-type'].startswith('text/plain') and b'Subject: Files' in source.body
    saved = alice.get(link + '/source?save=1')
    assert saved.headers['content-type'] == 'message/rfc822' and saved.body == source.body


def test_nothing_shown_is_markup(shared, pair):
    """Names, subjects, file names, folder names, searches: all of it is text."""
    alice, _ = pair
    deliver(shared, alice.address, NASTY, NASTY, sender='"%s" <c@elsewhere.example>' % NASTY.replace(
        '"', "'"), files=[(NASTY + '.txt', 'text/plain', b'x')], List_Id='%s <l.example>' % NASTY)
    page = alice.get('/mail/folders')
    alice.submit('do', 'create', {'name': NASTY}, form=alice.page.form('name'))
    pages = [alice.get('/mail'), alice.get(mail_links(alice.page)[0]), alice.get('/mail/folders'),
             alice.get('/mail/search?q=' + browser.urllib.parse.quote(NASTY)),
             alice.get('/mail/write?to=%s&subject=%s' % ((browser.urllib.parse.quote(NASTY),) * 2)),
             alice.get('/?next=' + browser.urllib.parse.quote(NASTY))]
    link = mail_links(alice.get('/mail'))[0].replace('/mail/f/', '').replace('/', '-')
    for kind in ('reply', 'all', 'forward'):
        pages.append(alice.get('/mail/write?%s=%s' % (kind, link)))
    for page in pages:
        assert page.status in (200, 422), page.url
        assert 'script' not in {tag for tag, _ in page.read.tags}, page.url
        for tag, attributes in page.read.tags:
            assert not [k for k in attributes if k.startswith('on')], page.url
            assert tag != 'img' or attributes['src'].startswith('/static/'), page.url


# ---- doing

def test_buttons(shared, pair):
    alice, _ = pair
    for name in ('A', 'B', 'C', 'D', 'E'):
        deliver(shared, alice.address, name)

    def press(value, *subjects, **change):
        page = alice.page
        uids = [v for k, v, kind, _ in page.form('uid').fields if kind == 'checkbox' and k == 'uid']
        rows = [r for r in page.text.split('<li')[1:] if 'name="uid"' in r]
        chosen = [u for u, r in zip(uids, rows) if any('>%s</a>' % s in r for s in subjects)]
        return alice.submit('do', value, dict(change, uid=chosen), form=page.form('uid'))

    inbox = folder(alice.get('/mail'), 'Inbox')
    offered = re.search(r'<select id="to".*?</select>', alice.page.text, re.S).group(0)
    assert '>Trash<' in offered and '>Inbox<' not in offered  # where they are already
    names = lambda box: sorted(m['subject'] for m in stored(shared, alice.address, box))
    assert 'Marked' in press('read', 'A', 'B').words
    assert alice.page.text.count('class="unread"') == 3
    press('unread', 'B')
    press('flag', 'C')
    assert '\\Flagged' in [m for m in stored(shared, alice.address) if m['subject'] == 'C'][0].flags
    press('unflag', 'C')
    assert '\\Flagged' not in [m for m in stored(shared, alice.address) if m['subject'] == 'C'][0].flags
    assert 'Moved to the trash' in press('delete', 'A').words
    assert names('Trash') == ['A']
    press('archive', 'B')
    press('junk', 'C')
    press('move', 'D', to=folder(alice.page, 'Sent').split('/')[-1])
    assert (names('Archive'), names('Junk'), names('Sent'), names('INBOX')) == (['B'], ['C'], ['D'], ['E'])
    assert 'No message was chosen' in press('delete').words
    alice.get(folder(alice.page, 'Junk'))
    press('inbox', 'C')
    assert names('INBOX') == ['C', 'E']
    alice.get(folder(alice.page, 'Trash'))
    assert 'Deleted for good' in press('delete', 'A').words
    assert names('Trash') == []
    alice.get(inbox)
    press('delete', 'C', 'E')
    alice.get(folder(alice.page, 'Trash'))
    press('empty')
    assert names('Trash') == []
    # what no button sends
    token = alice.get('/mail/folders').form('token').values()[0]
    box = inbox.split('/')[-1]
    for fields in ([('do', 'nonsense'), ('uid', '1'), ('folder', box)], [('do', 'delete'), ('uid', '1')],
                   [('do', 'empty'), ('folder', box)], [('do', 'move'), ('uid', '1'), ('folder', box)],
                   [('do', 'move'), ('uid', '1'), ('folder', box), ('to', 'fff')]):
        assert alice.post('/mail/act', [token] + fields, follows=False).status in (400, 404), fields


def test_folders(shared, pair):
    alice, _ = pair
    alice.get('/mail/folders')
    page = alice.submit('do', 'create', {'name': 'Work/Travel'}, form=alice.page.form('name'))
    assert 'The folders were changed' in page.words and 'Travel' in page.words
    for name in ('Work/Travel', '', '/', 'a//b', 'x' * 2000):
        page = alice.submit('do', 'create', {'name': name}, form=alice.page.form('name'))
        assert page.status == 422 and 'errors' in page.read.ids, name
        alice.get('/mail/folders')
    rename = [f for f in alice.page.read.forms if 'Work/Travel' in [v for _, v in f.values()]][-1]
    page = alice.submit('do', 'rename', {'name': 'Voyage'}, form=rename)
    assert 'Voyage' in page.words
    rename = [f for f in alice.page.read.forms if 'Voyage' in [v for _, v in f.values()]][-1]
    page = alice.submit('do', 'remove', form=rename)
    assert 'Voyage' not in page.words
    token = page.form('token').values()[0]
    box = folder(page, 'Inbox').split('/')[-1]
    assert alice.post('/mail/folders', [token, ('do', 'remove'), ('folder', box)]).status == 400


def test_search(shared, pair):
    alice, _ = pair
    deliver(shared, alice.address, 'Invoice', 'the amount is 42 francs')
    deliver(shared, alice.address, 'Other', 'nothing', html='<p>the <b>Franken</b> here</p>')
    deliver(shared, alice.address, 'Straße', 'x', sender='Jürg <j@elsewhere.example>')
    for words, found in (('francs', ['Invoice']), ('FRAN', ['Invoice', 'Other']), ('amount invoice', ['Invoice']),
                         ('amount other', []), ('jürg', ['Straße']), ('clara', ['Invoice', 'Other'])):
        page = alice.get('/mail/search?q=' + browser.urllib.parse.quote(words))
        assert '%d found' % len(found) in page.words, words
        for subject in found:
            assert subject in page.words
    page = alice.get('/mail/search?q=+')
    assert page.status == 422 and 'Please type one or more words' in page.words
    sent = folder(alice.get('/mail'), 'Sent').split('/')[-1]
    assert '0 found' in alice.get('/mail/search?q=francs&folder=' + sent).words
    assert '1 found' in alice.get('/mail/search?all=1&q=francs&folder=' + sent).words


# ---- writing

def test_what_is_sent_is_signed(shared, pair):
    alice, bob = pair
    shared.tool('dkim', 'add', alice.address.split('@')[1])
    alice.get('/mail/write')
    page = alice.submit('do', 'send', {'to': bob.address, 'subject': 'signed', 'body': 'Hello'},
                        form=alice.page.form('subject'))
    assert 'Your message was sent' in page.words
    got = next(m for m in stored(shared, bob.address) if m['subject'] == 'signed')
    assert sorted(s.split('a=')[1].split('-')[0] for s in got.get_all('dkim-signature')) == ['ed25519', 'rsa']
    shared.tool('dkim', 'remove', alice.address.split('@')[1])


def test_send_and_reply(shared, pair):
    alice, bob = pair
    alice.get('/mail/write')
    page = alice.submit('do', 'send', {
        'to': 'Bob B. <%s>' % bob.address, 'bcc': alice.address, 'subject': 'Grüße\r\nX-Evil: 1',
        'body': 'Hello\n.\nFrom me\n\xe9 \U0001f40e'}, form=alice.page.form('subject'))
    assert 'Your message was sent' in page.words
    got = stored(shared, bob.address)[0]
    assert got['subject'].split() == ['Grüße', 'X-Evil:', '1'] and got['x-evil'] is None and got['bcc'] is None
    assert got.get_content().replace('\r', '') == 'Hello\n.\nFrom me\n\xe9 \U0001f40e\n'
    sent = stored(shared, alice.address, 'Sent')[0]
    assert sent['bcc'] == alice.address and '\\Seen' in sent.flags
    assert sent['message-id'] == got['message-id'] and sent['received'] is None
    # and back
    page = bob.get(mail_links(bob.get('/mail'))[0])
    page = bob.get(next(a for a in page.read.links if '?reply=' in a))
    values = dict(page.form('subject').values())
    assert alice.address in values['to'] and values['subject'].startswith('Re: Grüße')
    assert '> Hello' in values['body']
    assert 'sent' in bob.submit('do', 'send', form=page.form('subject')).words
    answer = [m for m in stored(shared, alice.address) if m['subject'].startswith('Re:')][0]
    assert answer['in-reply-to'] == got['message-id'] and got['message-id'] in answer['references']
    assert '\\Answered' in stored(shared, bob.address)[0].flags


def test_wrong_input_of_the_form(shared, pair):
    alice, bob = pair
    cases = [({}, 'Please say who'), ({'to': 'nobody'}, 'not a complete address'),
             ({'to': bob.address + ', x@'}, 'not a complete address'),
             ({'to': 'nobody-here@' + bob.address.split('@')[1]}, 'There is nobody called'),
             ({'to': bob.address, 'cc': 'a b c'}, 'not a complete address'),
             ({'to': bob.address, 'subject': 'x' * 40000}, 'subject is too long')]
    for change, text in cases:
        alice.get('/mail/write')
        page = alice.submit('do', 'send', dict(change, body='kept text'), form=alice.page.form('subject'))
        assert page.status == 422 and text in page.words, change
        assert dict(page.form('subject').values())['body'].strip() == 'kept text'
        summary = [a for a in page.read.links if a.startswith('#')]
        assert {a[1:] for a in summary if a[1:] in ('to', 'cc', 'subject')} <= page.read.ids
    assert not stored(shared, bob.address)
    # another's address as the sender is not taken
    alice.get('/mail/write')
    form = alice.page.form('subject')
    form.fields.append(('from', bob.address, 'hidden', True))
    alice.submit('do', 'send', {'to': bob.address}, form=form)
    assert alice.address in stored(shared, bob.address)[0]['from']


def test_draft_with_files(shared, pair):
    alice, bob = pair
    data = bytes(range(256)) * 3000
    alice.get('/mail/write')
    page = alice.submit('do', 'attach', {'to': bob.address, 'subject': 'Files', 'body': 'see here'},
                        files=[('file', 'Ä b.bin', 'application/x-thing', data),
                               ('file', 'two.txt', 'text/plain', b'two')], form=alice.page.form('subject'))
    assert 'The draft was saved' in page.words
    assert len(stored(shared, alice.address, 'Drafts')) == 1
    kept = [v for k, v in page.form('subject').values() if k == 'keep']
    assert len(kept) == 2
    # one taken away, one added
    page = alice.submit('do', 'save', {'keep': [kept[0]], 'cc': ''}, drop=('keep',),
                        files=[('file', 'three.txt', 'text/plain', b'three')], form=page.form('subject'))
    assert len(stored(shared, alice.address, 'Drafts')) == 1
    assert 'sent' in alice.submit('do', 'send', form=page.form('subject')).words
    got = stored(shared, bob.address)[0]
    files = {p.get_filename(): p.get_payload(decode=True) for p in got.iter_attachments()}
    assert files == {'Ä b.bin': data, 'three.txt': b'three'}
    assert not stored(shared, alice.address, 'Drafts')
    # forwarded, its files go along
    page = bob.get(mail_links(bob.get('/mail'))[0])
    page = bob.get(next(a for a in page.read.links if '?forward=' in a))
    assert dict(page.form('subject').values())['subject'] == 'Fwd: Files'
    bob.submit('do', 'send', {'to': alice.address}, form=page.form('subject'))
    again = stored(shared, alice.address)[0]
    assert {p.get_filename() for p in again.iter_attachments()} == set(files)
    # a draft that is thrown away
    alice.get('/mail/write')
    page = alice.submit('do', 'save', {'subject': 'no more'}, form=alice.page.form('subject'))
    assert 'thrown away' in alice.submit('do', 'discard', form=page.form('subject')).words
    assert not stored(shared, alice.address, 'Drafts')


@pytest.mark.parametrize('at_once', [False, True])
def test_send_pressed_twice_sends_once(shared, pair, at_once):
    alice, bob = pair
    alice.get('/mail/write')
    page = alice.submit('do', 'attach', {'to': '%s, %s' % (bob.address, alice.address), 'subject': 'Once', 'body': 'b'},
                        files=[('file', 'a.txt', 'text/plain', b'a')], form=alice.page.form('subject'))
    form = page.form('subject')
    values = form.values() + [('do', 'send')]

    def press(fields=values):
        b = browser.Browser(shared.ports['https'])
        b.cookies = dict(alice.cookies)
        return b.post('/mail/write', fields, [('file', '', 'application/octet-stream', b'')])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        presses = [pool.submit(press) for _ in range(4)] if at_once else []
        said = [p.result() for p in presses] if at_once else [press() for _ in range(3)]
    told = ['Your message was sent' in page.words for page in said]
    assert all(told) if not at_once else any(told)
    assert [m['subject'] for m in stored(shared, bob.address)] == ['Once']
    assert [m['subject'] for m in stored(shared, alice.address)] == ['Once']
    assert [m['subject'] for m in stored(shared, alice.address, 'Sent')] == ['Once']
    assert not stored(shared, alice.address, 'Drafts')
    # "back", another text, and Send: that is another message
    changed = [(k, 'c' if k == 'body' else v) for k, v in values if k not in ('keep', 'draft')]
    assert 'Your message was sent' in press(changed).words
    assert len(stored(shared, bob.address)) == 2


def test_the_draft_field_deletes_nothing_else(shared, pair):
    alice, bob = pair
    deliver(shared, alice.address, 'Precious')
    link = mail_links(alice.get('/mail'))[0].replace('/mail/f/', '').replace('/', '-')
    alice.get('/mail/write')
    form = alice.page.form('subject')
    form.fields.append(('draft', link, 'hidden', True))
    alice.submit('do', 'discard', form=form)
    alice.get('/mail/write')
    form = alice.page.form('subject')
    form.fields.append(('draft', link, 'hidden', True))
    alice.submit('do', 'send', {'to': bob.address}, form=form)
    assert [m['subject'] for m in stored(shared, alice.address)] == ['Precious']


def test_another_persons_mail(shared, pair):
    alice, bob = pair
    deliver(shared, bob.address, 'Private')
    link = mail_links(bob.get('/mail'))[0]
    page = alice.send('GET', link)
    assert 'Private' not in page.text
    page = alice.get('/mail/write?forward=' + link.replace('/mail/f/', '').replace('/', '-'))
    assert 'Private' not in page.text
