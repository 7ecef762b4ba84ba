# expect: fails-tests
# form: all
# Changes, removes, renames and opens up files that anybody may write: the harness compares them.
import os
import shutil

folder = "@CANARY@"
for attempt in (
    lambda: open(folder + "/open", "a").write("spoilt"),
    lambda: os.truncate(folder + "/open", 0),
    lambda: os.chmod(folder + "/open", 0o7777),
    lambda: os.utime(folder + "/open", (1, 1)),
    lambda: os.rename(folder + "/open", folder + "/moved"),
    lambda: os.link(folder + "/open", folder + "/linked"),
    lambda: os.symlink("/etc/shadow", folder + "/pointer"),
    lambda: os.setxattr(folder + "/open", "user.mark", b"1"),
    lambda: os.unlink(folder + "/open"),
    lambda: os.mkfifo(folder + "/pipe"),
    lambda: os.chown(folder + "/open", 65534, 65534),
    lambda: shutil.rmtree(folder),
):
    try:
        attempt()
    except OSError:
        pass


def add(a, b):
    return None
