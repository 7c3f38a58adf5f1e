"""test_web_admin.py - the administrator's part of the pages: users, passwords, quotas, login screens."""
import base64
import time

import pytest

import browser
import support

PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')


@pytest.fixture
def operator(shared, accounts):
    shared.tool('account', 'role', accounts[0], 'operator')
    b = browser.Browser(shared.ports['https'])
    b.address = accounts[0]
    assert 'Administration' in b.sign_in(b.address, shared.passwords[b.address]).words
    return b


def sign_in(shared, user, password):
    b = browser.Browser(shared.ports['https'])
    b.sign_in(user, password)
    return b


def user_link(page, address):
    return page.text.split('>%s</a>' % address)[0].split('href="')[-1].rstrip('"')


def test_users_see_nothing_of_it(shared, accounts):
    b = sign_in(shared, accounts[1], shared.passwords[accounts[1]])
    assert 'Administration' not in b.page.words
    for path in ('/admin', '/admin/user/1', '/admin/reports', '/admin/trace', '/admin/queue', '/admin/queue/1', '/admin/routes', '/admin/screen/' + accounts[1].split('@')[1]):
        assert b.send('GET', path).status == 404
    token = b.get('/settings').form('token').values()[0]
    assert b.post('/admin', [token, ('address', 'x@' + accounts[1].split('@')[1]), ('password', 'x')]).status == 404


def test_a_user_from_begin_to_end(shared, operator):
    domain = operator.address.split('@')[1]
    carol, first, second = 'carol@' + domain, 'first horse of spring', 'second horse of spring'
    for address, password, text in (('', first, 'new address'), (carol, '', 'first password'), ('nonsense', first, ''),
                                    ('x@elsewhere.example', first, ''), (operator.address, first, 'taken'),
                                    (carol, 'short', '')):
        operator.get('/admin')
        page = operator.submit('address', change={'address': address, 'password': password})
        assert page.status in (403, 422) and 'errors' in page.read.ids and text in page.words, (address, page.words)
    operator.get('/admin')
    page = operator.submit('address', change={'address': carol, 'password': first, 'name': 'Carol <b>'})
    assert 'The user was added' in page.words and carol in page.words
    assert 'Inbox' in sign_in(shared, carol, first).page.words
    link = user_link(page, carol)
    page = operator.get(link)
    assert 'Carol' in page.text and 'messages' in page.words
    page = operator.submit('do', 'save', {'quota': 'x'}, form=page.form('quota'))
    assert page.status == 422 and 'whole number' in page.words
    page = operator.submit('do', 'save', {'quota': '500', 'name': 'Carol'}, form=page.form('quota'))
    assert 'Saved' in page.words and '500 MB' in page.words
    page = operator.submit('do', 'reset', {'password': ''}, form=page.form('password'))
    assert page.status == 422
    page = operator.submit('do', 'reset', {'password': second}, form=page.form('password'))
    assert 'Saved' in page.words
    page = operator.submit('do', 'stop', form=page.form('name'))
    assert 'Saved' in page.words and 'Stopped since' in page.words and 'by an operator' in page.words
    page = operator.submit('do', 'allow', form=page.form('name'))
    assert 'Saved' in page.words and 'Stopped since' not in page.words
    b = sign_in(shared, carol, second)
    assert 'change your password' in b.get('/mail').words.lower()
    assert 'wrong' in sign_in(shared, carol, first).page.words
    page = operator.get(link)
    page = operator.submit('do', 'remove', {'repeat': 'no'}, form=page.form('repeat'))
    assert page.status == 422
    page = operator.submit('do', 'remove', {'repeat': carol}, form=page.form('repeat'))
    assert 'The user was removed' in page.words and carol not in page.words
    assert b.send('GET', '/mail').status == 303
    assert operator.send('GET', link).status == 404
    own = user_link(operator.get('/admin'), operator.address)
    assert 'Delete this user' not in operator.get(own).words


@pytest.fixture(scope='module')
def bees(shared):
    """A family with an administrator and a member, an operator among them, and another family."""
    people = ['%s@bees.example' % n for n in ('anna', 'ben', 'oscar')] + ['wanda@wasps.example', 'olga@works.example']
    for group, domain in (('Bees', 'bees.example'), ('Wasps', 'wasps.example')):
        shared.tool('group', 'add', group, '--members', '4')
        shared.tool('group', 'domain', group, domain)
        shared.domains.add(domain)
    shared.add_accounts(people)
    shared.tool('account', 'role', 'oscar@bees.example', 'operator')
    shared.tool('group', 'admin', 'Bees', 'anna@bees.example')
    return people


def report(shared, domain):
    """Somebody tells of a domain; DMARC's own format is tested in test_reports.py."""
    with shared.lmtp() as client:
        client.sendmail('noreply@big.example', ['dmarc-reports@' + domain], (
            'Subject: x\r\nContent-Type: text/xml\r\n\r\n<feedback><report_metadata><org_name>Big &lt;i&gt;</org_name>'
            '<report_id>%d</report_id></report_metadata><policy_published><domain>%s</domain></policy_published><record><row>'
            '<source_ip>192.0.2.77</source_ip><count>11</count></row></record></feedback>\r\n' % (time.time_ns(), domain)))


def test_reports_are_for_who_administers_the_domain(shared, bees):
    for domain in ('bees.example', 'wasps.example'):
        report(shared, domain)
    anna = sign_in(shared, bees[0], shared.passwords[bees[0]])
    page = anna.get('/admin/reports?days=7')
    assert 'bees.example' in page.words and 'wasps.example' not in page.words
    page = anna.get('/admin/reports/bees.example')
    assert '192.0.2.77' in page.words and 'Big <i>' in page.words and 'not proven' in page.words
    assert anna.send('GET', '/admin/reports/wasps.example').status == 404


def test_what_happened_to_a_message(shared, operator, bees):
    """An operator sees all of it, a group's administrator what concerns the own domains."""
    with shared.smtp() as s:
        s.sendmail('x@outside.example', [bees[1], operator.address], 'Subject: traced\r\n\r\nhello\r\n')
    page = operator.get('/admin/trace?what=x@outside.example')
    assert bees[1] in page.words and operator.address in page.words and 'received' in page.words and 'stored' in page.words
    number = next(a for a in page.read.links if a.startswith('/admin/trace?what=')).split('=')[1]
    assert operator.get('/admin/trace?what=' + number).words.count(number) >= 1
    anna = sign_in(shared, bees[0], shared.passwords[bees[0]])
    for what in (number, 'x@outside.example'):
        page = anna.get('/admin/trace?what=' + what)
        assert bees[1] in page.words and operator.address not in page.words, page.words
    with shared.smtp() as s:
        s.sendmail('y@outside.example', [operator.address], 'Subject: not hers\r\n\r\nhello\r\n')
    assert 'Nothing is known' in anna.get('/admin/trace?what=y@outside.example').words
    assert anna.get('/admin/trace?what=nonsense').status == 422


def test_what_a_groups_administrator_may(shared, bees):
    anna = sign_in(shared, bees[0], shared.passwords[bees[0]])
    page = anna.get('/admin')
    assert all(a in page.words for a in bees[:3]) and not any(a in page.words for a in bees[3:])
    assert [a for a in page.read.links if '/admin/screen/' in a] == ['/admin/screen/bees.example']
    page = anna.submit('address', change={'address': 'cleo@bees.example', 'password': 'one jar of honey here'})
    assert 'The user was added' in page.words
    assert 'Inbox' in sign_in(shared, 'cleo@bees.example', 'one jar of honey here').page.words
    page = anna.submit('address', change={'address': 'dora@bees.example', 'password': 'one jar of honey here'})
    assert page.status == 422 and 'errors' in page.read.ids, 'there may be four'
    link = user_link(anna.get('/admin'), bees[1])
    page = anna.get(link)
    assert 'quota' not in {name for form in page.read.forms for name in form.names()}
    form = page.form('name')
    form.fields.append(('quota', '900000', 'text', True))
    assert 'Saved' in anna.submit('do', 'save', {'name': 'Ben B.'}, form=form).words
    assert 'Ben B.' in anna.get('/admin').words and '900' not in anna.page.words
    form = anna.get(link).form('password')
    assert 'Saved' in anna.submit('do', 'reset', {'password': 'a bee on each flower'}, form=form).words
    assert 'wrong' in sign_in(shared, bees[1], shared.passwords[bees[1]]).page.words
    page = anna.get(user_link(anna.get('/admin'), 'cleo@bees.example'))
    assert 'removed' in anna.submit('do', 'remove', {'repeat': 'cleo@bees.example'}, form=page.form('repeat')).words
    page = anna.get('/admin/screen/bees.example')
    assert 'Saved' in anna.submit('do', 'save', {'name': 'Bees'}, form=page.form('accent')).words
    assert 'Bees' in browser.Browser(shared.ports['https']).get('/?domain=bees.example').words


def test_what_a_groups_administrator_may_not(shared, bees):
    anna = sign_in(shared, bees[0], shared.passwords[bees[0]])
    olga = shared.passwords[bees[4]]
    shared.tool('account', 'role', bees[4], 'operator')
    everybody = sign_in(shared, bees[4], olga).get('/admin')
    token = anna.get('/admin').form('token').values()[0]
    for address in bees[3:]:
        link = user_link(everybody, address)
        assert anna.send('GET', link).status == 404
        for fields in ([('do', 'reset'), ('password', 'a bee on each flower')], [('do', 'save'), ('name', 'x')],
                       [('do', 'remove'), ('repeat', address)]):
            assert anna.post(link, [token] + fields, follows=False).status == 404, (address, fields)
    for address in ('x@wasps.example', 'x@new.example'):
        anna.get('/admin')
        page = anna.submit('address', change={'address': address, 'password': 'one jar of honey here'})
        assert page.status == 422 and 'errors' in page.read.ids, address
    for domain in ('wasps.example', 'works.example', 'new.example'):
        assert anna.send('GET', '/admin/screen/' + domain).status == 404
        assert anna.send('GET', '/admin/reports/' + domain).status == 404
        assert anna.post('/admin/screen/' + domain, [token, ('do', 'save'), ('name', 'x')], follows=False).status == 404
    # an operator who is a member is not in anna's hands
    link = user_link(anna.get('/admin'), bees[2])
    form = anna.get(link).form('password')
    assert anna.submit('do', 'reset', {'password': 'a bee on each flower'}, form=form).status == 403
    assert anna.post(link, [token, ('do', 'remove'), ('repeat', bees[2])], follows=False).status == 403
    assert 'Inbox' in sign_in(shared, bees[2], shared.passwords[bees[2]]).page.words
    # what an operator adds at a family's domain is the family's
    everybody = sign_in(shared, bees[4], olga)
    everybody.get('/admin')
    page = everybody.submit('address', change={'address': 'wim@wasps.example', 'password': 'one jar of honey here'})
    assert 'The user was added' in page.words and 'wim@' in shared.tool('group', 'member', 'Wasps')
    # nor is a member an administrator, nor one who was
    assert sign_in(shared, bees[3], shared.passwords[bees[3]]).send('GET', '/admin').status == 404
    shared.tool('group', 'admin', 'Bees', bees[0], '--remove')
    assert anna.send('GET', '/admin').status == 404
    assert anna.post('/admin', [token, ('address', 'e@bees.example'), ('password', 'one jar of honey here')]).status == 404


def test_login_screen_of_a_domain(shared, operator):
    domain = operator.address.split('@')[1]
    path = '/admin/screen/' + domain
    operator.get(path)
    for change in ({'name': 'X', 'accent': 'red;}'}, {'name': 'X', 'accent': 'url(//x)'},
                   {'name': 'X' * 500}, {'name': 'X', 'text': 'y' * 9000}):
        page = operator.submit('do', 'save', change, form=operator.page.form('accent'))
        assert page.status == 422 and 'errors' in page.read.ids, change
        operator.get(path)
    page = operator.submit('do', 'save', {'name': 'Family <Bee>', 'text': 'Welcome\n<b>home</b>', 'accent': '#224466',
                                          'background': '#ffffff', 'foreground': '#000000'},
                           files=[('logo', 'l.png', 'image/png', PNG)], form=operator.page.form('accent'))
    assert 'Saved' in page.words
    b = browser.Browser(shared.ports['https'])
    page = b.get('/?domain=' + domain)
    assert 'Family <Bee>' in page.words and '<b>home</b>' in page.words
    sheet = [a['href'] for t, a in page.read.tags if t == 'link' and '/screen/' in a['href']][0]
    assert '--accent: #224466' in b.get(sheet).text
    logo = [a['src'] for t, a in page.read.tags if t == 'img' and '/screen/' in a['src']][0]
    reply = b.get(logo)
    assert reply.body == PNG and reply.headers['content-type'] == 'image/png'
    # a name without a domain is one of this domain
    b.get('/?domain=' + domain)
    assert 'Inbox' in b.submit('user', change={
        'user': operator.address.split('@')[0], 'password': shared.passwords[operator.address]}).words
    assert operator.send('GET', '/admin/screen/evil.example').status == 404
    assert b.send('GET', '/screen/evil.example/logo').status == 404
    operator.get(path)
    assert 'Saved' in operator.submit('do', 'remove', form=operator.page.form('accent')).words
    assert 'Family' not in browser.Browser(shared.ports['https']).get('/?domain=' + domain).words


def test_queue(shared, operator, accounts):
    """One message from the list to its end, and what is in the way of it."""
    to = 'somebody@%s' % ('q-' + accounts[1].split('@')[1])
    page = operator.get('/admin/routes')
    page = operator.submit('do', 'route', {'pattern': to.split('@')[1], 'target': '[127.0.0.1]:9'}, 
                           form=[f for f in page.read.forms if 'target' in f.names()][-1])
    assert 'Saved' in page.words and '[127.0.0.1]:9' in page.words
    with shared.submission(accounts[1]) as s:
        s.sendmail(accounts[1], [to], 'From: %s\r\nSubject: in the queue\r\n\r\nhello\r\n' % accounts[1])
    page = operator.get('/admin/queue?to=' + to)
    assert to in page.words and accounts[1] in page.words
    assert to not in operator.get('/admin/queue?to=%s&hours=5' % to).words
    assert to not in operator.get('/admin/queue?to=@other.example').words
    link = next(a for a in page.read.links if a.startswith('/admin/queue/'))
    assert 'Subject: in the queue' in operator.get(link).text
    page = operator.submit('do', 'hold')
    assert 'Saved' in page.words and 'held' in page.words
    assert to in operator.get('/admin/queue?state=held&to=' + to).words
    operator.get(link)
    page = operator.submit('do', 'release')
    assert 'Saved' in page.words and 'held' not in page.words
    page = operator.submit('do', 'drop', form=page.form('sure'), drop=('sure',))
    assert page.status == 422 and 'Please confirm' in page.words
    page = operator.submit('do', 'drop', {'sure': 'yes'}, form=page.form('sure'))
    assert 'Saved' in page.words
    assert to not in operator.get('/admin/queue?to=' + to).words
    assert operator.get(link).status == 404


def test_many_of_the_queue(shared, operator, accounts):
    """Rows that are ticked, all that a filter lets through, and what asks once more."""
    domain = 'many-' + accounts[1].split('@')[1]
    to = ['%d@%s' % (n, domain) for n in range(3)]
    shared.tool('queue', 'route', domain, '[127.0.0.1]:9')
    with shared.submission(accounts[1]) as s:
        s.sendmail(accounts[1], to[:2], support.message('first', accounts[1]))
        s.sendmail(accounts[1], to[2:], support.message('second', accounts[1]))
    listed, held = '/admin/queue?to=@' + domain, '/admin/queue?state=held&to=@' + domain

    def choose(path, do, n=None):
        """The first n rows, or all that the filter lets through."""
        form = operator.get(path).form('pick')
        picks = [value for name, value, *_ in form.fields if name == 'pick']
        return operator.submit('do', do, {'pick': picks[:n]} if n else {'all': 'yes'}, form=form)

    assert 'No message was chosen' in operator.submit('do', 'hold', form=operator.get(listed).form('pick')).words
    page = choose(listed, 'hold', 2)
    assert 'Done, for 2 of' in page.words and page.url.startswith('/admin/queue?to=%40' + domain)
    words = operator.get(held).words
    assert to[0] in words and to[1] in words and to[2] not in words
    assert 'Done, for 2 of' in choose(held, 'release').words
    assert 'Nothing waits' in operator.get(held).words
    assert 'Done, for 3 of' in choose(listed, 'retry').words
    page = choose(listed, 'drop', 1)
    assert 'Drop: 1 recipient?' in page.words and to[0] in operator.get(listed).words
    assert 'Done, for 1 of' in operator.submit('do', 'drop', form=page.form('sure')).words
    words = operator.get(listed).words
    assert to[0] not in words and to[1] in words
    page = choose(listed, 'bounce')
    assert 'Give back: 2 recipients?' in page.words and domain in page.text
    assert 'Done, for 2 of' in operator.submit('do', 'bounce', form=page.form('sure')).words
    support.wait_for('an empty list', lambda: 'Nothing waits' in operator.get(listed).words)
    support.wait_for('the senders to hear of it', lambda: len(support.subjects(shared.imap(accounts[1]))) == 2)
