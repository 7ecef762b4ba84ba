# Runs a program that comes with files, or some of whose files are wanted afterwards: they are written
# before it into its own folder, and read when it ends. This stands before the program, in its process;
# it claims nothing that the program could not claim itself.
def _run_with_files(request, scope):
    import atexit
    import base64
    import json
    import linecache
    import os
    import sys

    del scope["_run_with_files"]
    for path, content in request["files"].items():
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(content))

    # What the program may rebind is remembered here.
    def fetch(out=sys.stdout, opened=open, is_file=os.path.isfile, write=os.write, packed=base64.b64encode, text=json.dumps):
        found, room = {}, request["room"]
        for path in request["fetch"]:
            try:
                if is_file(path):
                    with opened(path, "rb") as file:
                        content = file.read(room + 1)
                    if len(content) <= room:
                        room -= len(content)
                        found[path] = packed(content).decode()
            except OSError:
                pass
        for stream in {sys.stdout, out}:
            stream.flush()
        rest = (request["mark"] + text(found)).encode()
        while rest:
            rest = rest[write(1, rest) :]

    # The first to be registered is the last to run.
    if request["fetch"]:
        atexit.register(fetch)

    # Tracebacks begin at the program.
    def excepthook(kind, error, trace, show=sys.excepthook):
        for _ in range(2):
            trace = trace and trace.tb_next
        show(kind, error.with_traceback(trace), trace)

    source = request["program"]
    sys.excepthook = excepthook
    linecache.cache["<solution>"] = (len(source), None, source.splitlines(True), "<solution>")
    exec(compile(source, "<solution>", "exec", dont_inherit=True), scope)


