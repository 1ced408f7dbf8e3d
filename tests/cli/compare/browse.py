#!/usr/bin/env python3
"""Opens a report in headless Chromium, over the DevTools protocol.

Usage: browse.py REPORT.html FOLDER [CHART]. Draws it wide, on a phone and in dark mode (screenshots
in FOLDER), points at and clicks the first point of the first chart, prints what the page then says.
Exit status 1 for errors of scripts, any request over a network, or a page wider than the phone.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time


class Browser:
    """Chromium behind a pair of pipes: messages are JSON, each ended by a zero byte."""

    def __init__(self):
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

        def hand_over():
            # The protocol wants descriptors 3 and 4; none of ours may lie there.
            a, b = os.dup(to_read), os.dup(back_write)
            while a < 5 or b < 5:
                a, b = os.dup(a), os.dup(b)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            ['chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
             '--disable-dev-shm-usage', '--remote-debugging-pipe', '--user-data-dir=' + self.folder.name],
            preexec_fn=hand_over, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        self.session, self.number, self.buffer, self.events = None, 0, b'', []

    def read(self):
        while b'\0' not in self.buffer:
            part = os.read(self.back, 1 << 16)
            if not part:
                raise SystemExit('chromium has ended')
            self.buffer += part
        text, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': parameters}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.to, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.read()
            if answer.get('id') == self.number:
                if 'error' in answer:
                    raise SystemExit(f'{method}: {answer["error"]}')
                return answer['result']
            self.events.append(answer)

    def value(self, expression):
        result = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in result:
            raise SystemExit(f'{expression}: {result["exceptionDetails"]}')
        return result['result'].get('value')

    def open(self, url):
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(domain + '.enable')
        self.call('Page.navigate', url=url)
        for _ in range(600):
            if self.value('document.readyState') == 'complete' and self.value('Boolean(window.nasReport)'):
                return
            time.sleep(0.1)
        raise SystemExit('the page did not come up')

    def size(self, width, height, mobile=False):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        time.sleep(0.5)

    def picture(self, path):
        # What was changed is drawn two frames later at most.
        self.value('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))')
        height = min(12000, int(self.value('document.documentElement.scrollHeight')))
        width = int(self.value('innerWidth'))
        image = self.call('Page.captureScreenshot', format='png', captureBeyondViewport=True,
                          clip={'x': 0, 'y': 0, 'width': width, 'height': height, 'scale': 1})
        with open(path, 'wb') as file:
            file.write(base64.b64decode(image['data']))

    def mouse(self, kind, at, **more):
        self.call('Input.dispatchMouseEvent', type=kind, x=at[0], y=at[1], **more)

    def close(self):
        self.process.terminate()
        self.process.wait()


def problems_of(events):
    for event in events:
        method, p = event.get('method'), event.get('params', {})
        if method == 'Runtime.exceptionThrown':
            yield 'exception: ' + json.dumps(p['exceptionDetails'])[:500]
        elif method == 'Log.entryAdded' and p['entry']['level'] == 'error':
            yield 'console: ' + p['entry']['text']
        elif method == 'Network.requestWillBeSent' and not p['request']['url'].startswith(('file:', 'data:')):
            yield 'request: ' + p['request']['url']


HIDDEN = """(() => {
  const hidden = [];
  nasReport.charts.forEach((chart, c) => chart.data.datasets.forEach((set, d) => {
    if (chart.config.type !== 'scatter') return;
    const { x, y } = chart.scales;
    const out = set.data.filter(p => p.x < x.min || p.x > x.max || p.y < y.min || p.y > y.max).length;
    if (out) hidden.push(`chart ${c}, ${set.label}: ${out} of ${set.data.length} points lie outside of it`);
  }));
  return hidden;
})()"""


def click_first_point(browser, number):
    """What the page says after a click on the first point of a chart, and its tooltip before."""
    place = f'''(() => {{
      const chart = nasReport.charts[{number}], point = chart.getDatasetMeta(0).data[0];
      chart.canvas.scrollIntoView({{block: 'center'}});
      const box = chart.canvas.getBoundingClientRect(), at = point.getProps(['x', 'y'], true);
      return [box.left + at.x, box.top + at.y];
    }})()'''
    at = browser.value(place)
    browser.mouse('mouseMoved', at)
    time.sleep(0.3)
    tooltip = browser.value(f'nasReport.charts[{number}].tooltip.title.join("")')
    browser.mouse('mousePressed', at, button='left', clickCount=1)
    browser.mouse('mouseReleased', at, button='left', clickCount=1)
    time.sleep(0.5)
    return tooltip, browser.value('document.getElementById("said").hidden ? "" : document.getElementById("said").textContent')


def main():
    path, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    browser = Browser()
    failures = []
    try:
        browser.open('file://' + path)
        browser.size(1280, 900)
        browser.picture(folder + '/wide.png')
        title = browser.value('document.title')
        failures += browser.value(HIDDEN)
        tooltip, said = click_first_point(browser, number)
        print('tooltip:', tooltip)
        print('said:', said)
        if not tooltip or tooltip.replace('\n', '') not in said.replace("'\\''", "'"):
            failures.append('the command does not name the architecture pointed at')
        if title == 'bad':
            failures.append('a name became a script')
        browser.size(390, 844, mobile=True)
        browser.picture(folder + '/phone.png')
        width = browser.value('document.documentElement.scrollWidth')
        if width > 390:
            failures.append(f'the page is {width} wide on a phone of 390')
        browser.size(1280, 900)
        light = browser.value('getComputedStyle(document.body).backgroundColor')
        browser.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark'}])
        time.sleep(0.5)
        browser.picture(folder + '/dark.png')
        if browser.value('getComputedStyle(document.body).backgroundColor') == light:
            failures.append('dark mode changes nothing')
        browser.value('1')
        failures += problems_of(browser.events)
    finally:
        browser.close()
    for failure in failures:
        print('FAILED:', failure)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
