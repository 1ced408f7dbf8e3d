#!/usr/bin/env python3
"""Sizes that keep the code readable: no file above 500 lines, no function above 80, no folder with more
than 25 files of code side by side; no header of LibTorch outside supernet/ and hardware/measure/; and no two
types of one name: the linker takes one of their functions for both (std::vector<Cell>'s), and no compiler tells.

Usage: limits.py SOURCE_FOLDER. Prints what is too large; exit status 1 when anything is.
"""
import os
import re
import sys

MOST_LINES, MOST_IN_FUNCTION, MOST_FILES = 500, 80, 25
TORCH = re.compile(r'\s*#\s*include\s*<(torch|ATen|c10|caffe2)/')
MAY_SEE_TORCH = ('supernet/', 'hardware/measure/', 'tests/supernet/', 'tests/bench/', 'tests/gpu/')


def sources(root):
    skipped = {'build', '.git', 'shared'}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in skipped and not f.startswith('.'))
        for name in sorted(files):
            if name.endswith(('.cpp', '.hpp')):
                yield os.path.relpath(os.path.join(folder, name), root)


def bare(text):
    """Without comments and the contents of literals, line for line."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'", re.DOTALL)
    return pattern.sub(lambda m: '\n' * m.group().count('\n'), text)


def functions(text):
    """(first line, lines) of every function body. Namespaces, types and enums are gone into."""
    scope = re.compile(r'\b(namespace|class|struct|union|enum)\b[^;(){}=]*$')
    stack, head, line = [], '', 1
    for c in text:
        if c == '\n':
            line += 1
        if c == '{':
            inside = any(kind == 'function' for kind, _ in stack)
            opens = not inside and ')' in head and not scope.search(head)
            stack.append(('function' if opens else 'other', line))
            head = ''
        elif c == '}':
            if stack:
                kind, first = stack.pop()
                if kind == 'function':
                    yield first, line - first + 1
            head = ''
        elif c == ';':
            head = ''
        else:
            head += c


def types(text):
    """(line, qualified name) of every class and struct that other files can see: in named namespaces only."""
    stack, head, line = [], '', 1
    for c in text:
        if c == '\n':
            line += 1
        if c == '{':
            space = re.search(r'\bnamespace\s*([\w:]*)\s*$', head)
            kind = re.search(r'\b(?:struct|class)\s+(\w+)(?:\s+final)?\s*(?::[^:].*)?$', head, re.DOTALL)
            if kind and all(stack) and 'enum' not in head and 'template' not in head:
                yield line, '::'.join([*stack, kind.group(1)])
            stack.append(space.group(1) if space else '')
            head = ''
        elif c == '}':
            if stack:
                stack.pop()
            head = ''
        elif c == ';':
            head = ''
        else:
            head += c


def problems(root):
    in_folder, seen = {}, {}
    for path in sources(root):
        with open(os.path.join(root, path), encoding='utf-8') as file:
            text = file.read()
        folder = os.path.dirname(path)
        in_folder[folder] = in_folder.get(folder, 0) + 1
        lines = text.count('\n')
        if lines > MOST_LINES:
            yield f'{path}: {lines} lines, at most {MOST_LINES}'
        for first, length in functions(bare(text)):
            if length > MOST_IN_FUNCTION:
                yield f'{path}:{first}: a function of {length} lines, at most {MOST_IN_FUNCTION}'
        for number, name in types(bare(text)):
            if name in seen:
                yield f'{path}:{number}: {name} is a type of {seen[name]} already'
            seen.setdefault(name, f'{path}:{number}')
        if not path.startswith(MAY_SEE_TORCH):
            for number, row in enumerate(text.split('\n'), 1):
                if TORCH.match(row):
                    yield f'{path}:{number}: a header of LibTorch outside supernet/'
    for folder, count in in_folder.items():
        if count > MOST_FILES:
            yield f'{folder}/: {count} files side by side, at most {MOST_FILES}'


def main():
    found = list(problems(sys.argv[1]))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
