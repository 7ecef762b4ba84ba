# expect: correct
# form: calls
# needs: mntns|landlock
# Paths, globs, shelves, archives: all in a temporary folder.
import glob
import os
import pathlib
import pickle
import shutil
import sqlite3
import tempfile
import zipfile


def add(a, b):
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "x.txt").write_text(str(a))
    with open(folder / "b.pickle", "wb") as file:
        pickle.dump(b, file)
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.write(folder / "a" / "x.txt", "x")
    with sqlite3.connect(folder / "d.db") as database:
        database.execute("create table t (n text)")
        database.execute("insert into t values (?)", (str(b),))
    assert len(glob.glob(os.path.join(folder, "**", "*.txt"), recursive=True)) == 1
    left = int(zipfile.ZipFile(folder / "z.zip").read("x"))
    right = pickle.loads((folder / "b.pickle").read_bytes())
    shutil.rmtree(folder)
    return left + right
