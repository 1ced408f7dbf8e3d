#!/usr/bin/env python3
"""A report is well formed, holds its scripts by hash, and names nothing that a browser would load.

Usage: check_page.py REPORT.html. Prints what is wrong; exit status 1 when anything is.
"""
import base64
import hashlib
import html.parser
import json
import re
import sys

EMPTY = {'meta', 'img', 'br', 'link', 'input', 'hr'}


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.problems, self.policy, self.scripts, self.script = [], [], '', [], None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == 'meta' and attributes.get('http-equiv') == 'Content-Security-Policy':
            self.policy = attributes['content']
        for name, value in attributes.items():
            if name.startswith('on'):
                self.problems.append(f'{tag} has {name}')
            if name in ('src', 'href', 'action') and not re.match(r'data:image/svg\+xml;base64,|#', value or ''):
                self.problems.append(f'{tag} loads {value}')
        if tag == 'script':
            self.script = [attributes.get('type', ''), '']
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f'line {self.getpos()[0]}: </{tag}> closes another element')
        if tag == 'script':
            self.scripts.append(self.script)
            self.script = None

    def handle_data(self, text):
        if self.script:
            self.script[1] += text


def main():
    reader = Reader()
    with open(sys.argv[1], encoding='utf-8', newline='') as file:
        reader.feed(file.read())
    problems = reader.problems + [f'<{tag}> is left open' for tag in reader.open]
    for kind, text in reader.scripts:
        if kind == 'application/json':
            json.loads(text)
            continue
        name = "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        if name not in reader.policy:
            problems.append('a script is not in the policy: ' + text[:60])
    if "default-src 'none'" not in reader.policy or 'unsafe-eval' in reader.policy:
        problems.append('the policy allows too much: ' + reader.policy)
    print('\n'.join(problems) or f'{len(reader.scripts)} scripts, nothing to load')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
