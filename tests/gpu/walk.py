"""Runs programs under time limits and keeps every result at once, so that what was found is there
even when the walk is cut off."""
import json
import os
import signal
import subprocess
import threading
import time


class Failed(Exception):
    """A check that did not pass; the text says why."""


class Skipped(Exception):
    """What cannot be asked here; the text says why."""


class Finished:
    def __init__(self, code, out, err, seconds, timed_out):
        self.code, self.out, self.err = code, out, err
        self.seconds, self.timed_out = seconds, timed_out

    def last_words(self):
        lines = [line for line in self.err.strip().splitlines() if line.strip()]
        return lines[-1] if lines else ""


class Timeout(Exception):
    pass


class Walk:
    def __init__(self, options, tools):
        self.dry = options.dry_run
        self.device = "cpu" if self.dry else options.device
        self.tools = tools
        self.out = options.out
        self.began = time.monotonic()
        self.end = self.began + options.seconds
        self.part_end = self.end
        self.part = ""
        self.all_passed = True
        self.child = None
        os.makedirs(self.out, exist_ok=True)
        self.results = os.path.join(self.out, "results.jsonl")
        self.log = os.path.join(self.out, "log.txt")
        for path in (self.results, self.log):
            open(path, "w").close()

    def left(self):
        return self.end - time.monotonic()

    def record(self, name, status, values=None, note="", seconds=0.0, needed=True):
        """One result, on disk when this returns. What was skipped fails the walk where `needed`."""
        line = {"part": self.part, "name": name, "status": status, "values": values or {},
                "note": note, "seconds": round(seconds, 2)}
        with open(self.results, "a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if status in ("failed", "timeout") or (status == "skipped" and needed):
            self.all_passed = False
        text = f"[{time.monotonic() - self.began:5.0f} s] {self.part}: {name}: {status}"
        print(text + (f" ({note})" if note else ""), flush=True)

    def check(self, name, call):
        """Records what `call` finds: its values, or why it failed."""
        start = time.monotonic()
        try:
            values = call()
            self.record(name, "ok", values, seconds=time.monotonic() - start)
        except Failed as why:
            self.record(name, "failed", note=str(why), seconds=time.monotonic() - start)
        except Skipped as why:
            self.record(name, "skipped", note=str(why), needed=not self.dry)
        except (KeyError, ValueError, OSError, TypeError) as error:
            self.record(name, "failed", note=f"{type(error).__name__}: {error}",
                        seconds=time.monotonic() - start)

    def run_part(self, name, limit, call):
        self.part = name
        if self.left() < 3:
            self.record(name, "skipped", note="no time was left")
            return
        self.part_end = min(self.end, time.monotonic() + limit)
        try:
            call(self)
        except Timeout as what:
            self.record(name, "timeout", note=str(what))
        except Skipped as why:
            self.record(name, "skipped", note=str(why), needed=not self.dry)
        except Exception as error:  # One part never ends the others.
            self.record(name, "failed", note=f"{type(error).__name__}: {error}")

    # ---- Programs.

    def run(self, command, environment=None, cwd=None, on_line=None, watch=None):
        """Runs a program to its end or to the end of the part's time (Timeout). `on_line` gets each
        line of its output as it comes; `watch` is called with the process every few milliseconds."""
        start = time.monotonic()
        with open(self.log, "a") as log:
            log.write("$ " + " ".join(command) + "\n")
        # Python comes with libraries of its own, and must not meet those beside our programs.
        own = os.environ if command[0] == self.tools.python else self.tools.environment
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env={**own, **(environment or {})}, cwd=cwd,
                                 start_new_session=True)
        self.child = child
        kept = {"out": [], "err": []}

        def read(stream, name):
            for line in stream:
                kept[name].append(line)
                if name == "out" and on_line is not None and line.strip():
                    on_line(line)

        readers = [threading.Thread(target=read, args=(child.stdout, "out"), daemon=True),
                   threading.Thread(target=read, args=(child.stderr, "err"), daemon=True)]
        for reader in readers:
            reader.start()
        timed_out = False
        while child.poll() is None:
            if time.monotonic() > self.part_end:
                timed_out = True
                self.stop_child()
                break
            if watch is not None:
                watch(child)
            time.sleep(0.002 if watch is not None else 0.02)
        child.wait()
        for reader in readers:
            reader.join(timeout=5)
        self.child = None
        done = Finished(child.returncode, "".join(kept["out"]), "".join(kept["err"]),
                        time.monotonic() - start, timed_out)
        with open(self.log, "a") as log:
            log.write(done.err[-4000:] + f"-> {done.code} after {done.seconds:.1f} s\n")
        if timed_out:
            raise Timeout("cut off: " + " ".join(command)[:150])
        return done

    def stop_child(self):
        """Ends the program that runs now with all that it started."""
        if self.child is not None and self.child.poll() is None:
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def nas(self, words, db=None, wanted=0, **more):
        """A command of nas with --json; its document. Failed where it ends otherwise than wanted."""
        command = [self.tools.nas, *words, "--json"]
        if db is not None:
            command += ["--db", db]
        done = self.run(command, **more)
        if done.code != wanted:
            raise Failed(f"nas {words[0]} ended with {done.code}, not {wanted}: {done.last_words()}")
        try:
            return json.loads(done.out)
        except ValueError:
            raise Failed(f"nas {words[0]} wrote no JSON: {done.out[:100]!r}") from None

    def lines_of(self, command, name, **more):
        """Records a program's lines of JSON as they come: what it says of itself (`status`), or
        what it measured. The program's exit code is a result, too."""
        def take(line):
            try:
                value = json.loads(line)
            except ValueError:
                return
            if "status" in value:
                self.record(value["name"], value["status"], value.get("values"),
                            value.get("note", ""))
            else:
                self.record(name, "ok", value)

        done = self.run(command, on_line=take, **more)
        if done.code != 0:
            self.record(name, "failed", note=f"ended with {done.code}: {done.last_words()}",
                        seconds=done.seconds)
        return done
