"""browser.py - a browser without scripts for the tests of the pages: cookies, forms, redirects.

It reads pages as a browser does (html.parser), so that a form is sent with exactly the fields that
the page has; a test changes some and presses a button.
"""
import html.parser
import http.client
import http.cookies
import secrets
import ssl
import urllib.parse


class Form:
    def __init__(self, action, method, kind):
        self.action, self.method, self.kind = action, method, kind
        self.fields = []  # (name, value, type, is_on)
        self.buttons = []

    def values(self):
        return [(name, value) for name, value, kind, is_on in self.fields if is_on and kind != 'file']

    def names(self):
        return {name for name, *_ in self.fields} | {name for name, _ in self.buttons}


class Reader(html.parser.HTMLParser):
    """Forms, links and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.links, self.words, self.ids, self.tags = [], [], [], set(), []
        self.form = self.area = self.select = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.tags.append((tag, a))
        if 'id' in a:
            self.ids.add(a['id'])
        if tag == 'form':
            self.form = Form(a.get('action'), a.get('method', 'get'), a.get('enctype', ''))
            self.forms.append(self.form)
        elif tag == 'a' and 'href' in a:
            self.links.append(a['href'])
        elif self.form is None:
            return
        elif tag == 'input' and 'name' in a:
            kind = a.get('type', 'text')
            is_on = 'checked' in a if kind in ('checkbox', 'radio') else True
            self.form.fields.append((a['name'], a.get('value', ''), kind, is_on))
        elif tag == 'button' and 'name' in a:
            self.form.buttons.append((a['name'], a.get('value', '')))
        elif tag == 'textarea':
            self.area = [a['name'], '']
        elif tag == 'select':
            self.select = [a['name'], None]
        elif tag == 'option' and self.select:
            self.option = a.get('value')
            if 'selected' in a or self.select[1] is None:
                self.select[1] = a.get('value', '')

    def handle_endtag(self, tag):
        if tag == 'form':
            self.form = None
        elif tag == 'textarea' and self.area:
            text = self.area[1]
            self.form.fields.append((self.area[0], text[1:] if text.startswith('\n') else text,
                                     'textarea', True))
            self.area = None
        elif tag == 'select' and self.select:
            self.form.fields.append((self.select[0], self.select[1] or '', 'select', True))
            self.select = None

    def handle_data(self, data):
        if self.area is not None:
            self.area[1] += data
        self.words.append(data)


class Page:
    def __init__(self, status, headers, body, url):
        self.status, self.headers, self.body, self.url = status, headers, body, url
        self.text = body.decode('utf-8', 'replace')
        self.is_html = headers.get('content-type', '').startswith('text/html')
        self.read = Reader(self.text) if self.is_html else None

    @property
    def words(self):
        return ' '.join(''.join(self.read.words).split())

    def form(self, name):
        """The form that has a field or button of this name."""
        for form in self.read.forms:
            if name in form.names():
                return form
        raise AssertionError('no form with %s: %s' % (name, self.words[:500]))


class Browser:
    def __init__(self, port, host='localhost', tls=True, source=None):
        self.port, self.host, self.tls = port, host, tls
        self.source = (source, 0) if source else None  # address that the requests come from
        self.cookies = {}
        self.page = None

    def send(self, method, target, body=None, headers=None):
        """One request, no redirect followed. Cookies as a browser keeps them."""
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            c = http.client.HTTPSConnection('127.0.0.1', self.port, timeout=30, context=context,
                                            source_address=self.source)
        else:
            c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30, source_address=self.source)
        all_headers = {'Host': self.host}
        if self.cookies:
            all_headers['Cookie'] = '; '.join('%s=%s' % pair for pair in self.cookies.items())
        all_headers.update(headers or {})
        try:
            c.request(method, target, body, {k: v for k, v in all_headers.items() if v is not None})
            r = c.getresponse()
            data = r.read()
        finally:
            c.close()
        for line in r.headers.get_all('Set-Cookie') or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel['max-age'] and int(morsel['max-age']) <= 0:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        self.page = Page(r.status, {k.lower(): v for k, v in r.headers.items()}, data, target)
        self.set_cookies = r.headers.get_all('Set-Cookie') or []
        return self.page

    def follow(self, page):
        for _ in range(5):
            if page.status not in (301, 302, 303):
                return page
            to = page.headers['location']
            assert to.startswith('/'), 'leads away: ' + to
            page = self.send('GET', to)
        raise AssertionError('redirects without end')

    def get(self, target, **headers):
        return self.follow(self.send('GET', target, headers=headers))

    def post(self, target, values, files=(), headers=None, follows=True):
        if files:
            mark = 'x' + secrets.token_hex(12)
            body = b''
            for name, value in values:
                body += ('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
                    mark, name, value)).encode()
            for name, filename, kind, data in files:
                body += ('--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'
                         'Content-Type: %s\r\n\r\n' % (mark, name, filename, kind)).encode() + data + b'\r\n'
            body += ('--%s--\r\n' % mark).encode()
            kind = 'multipart/form-data; boundary=' + mark
        else:
            body = urllib.parse.urlencode(values).encode()
            kind = 'application/x-www-form-urlencoded'
        page = self.send('POST', target, body, dict({'Content-Type': kind}, **(headers or {})))
        return self.follow(page) if follows else page

    def submit(self, name, value=None, change=None, files=(), drop=(), follows=True, form=None):
        """Press the button (or send the form that has the field) `name`, with fields changed."""
        form = form or self.page.form(name)
        change = dict(change or {})
        values = [(k, change.pop(k, v)) for k, v in form.values() if k not in drop]
        for k, v in change.items():
            values += [(k, x) for x in v] if isinstance(v, list) else [(k, v)]
        if value is not None:
            values.append((name, value))
        action = form.action or self.page.url
        if form.method == 'get':
            return self.get(action + '?' + urllib.parse.urlencode(values))
        if form.kind == 'multipart/form-data' and not files:
            files = [('file', '', 'application/octet-stream', b'')]
        return self.post(action, values, files, follows=follows)

    def sign_in(self, user, password, **change):
        self.get('/')
        return self.submit('user', change=dict(change, user=user, password=password))
