"""web_routes.py - the table of pages as src/web/web.c has it, for tests that must know every row."""
import re

import support

ROW = re.compile(r'\{HTTP_(GET|POST), "([^"]+)", (\w+), ([^}]*)\}')


def routes(method):
    """Paths of the rows of a method, in their order, each with the text of its flags. What programs post to a place
    that answers them whatever its name is no form."""
    text = (support.HOME / 'src' / 'web' / 'web.c').read_text()
    found = {path: rest.split(',')[-1].strip() for m, path, _, rest in ROW.findall(text)
             if m == method and not (m == 'POST' and 'ROW_PLACE' in rest)}
    assert len(found) > 20, 'the table of web.c looks otherwise now'
    return found
