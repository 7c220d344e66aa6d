# Databases: transactions, types, factories, functions of SQL, hooks, blobs, backup, and callbacks that misbehave.
import gc
import sqlite3
import sys
import warnings


def raises(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"{kind} not raised")


def memory(*args, **kwargs):
    return sqlite3.connect(":memory:", *args, **kwargs)


# ---- statements and rows ----

db = memory()
cursor = db.execute("create table t(id integer primary key, name text, score real, data blob)")
assert cursor.description is None and cursor.rowcount == -1
cursor = db.execute("insert into t(name, score, data) values(?, ?, ?)", ("åse", 1.5, b"\x00\x01"))
assert cursor.lastrowid == 1 and cursor.rowcount == 1
assert db.in_transaction
db.executemany("insert into t(name) values(:name)", ({"name": name} for name in "xyz"))
assert db.total_changes == 4
db.commit()
assert not db.in_transaction
rows = db.execute("select name, score, data from t order by id")
assert [column[0] for column in rows.description] == ["name", "score", "data"]
assert rows.fetchone() == ("åse", 1.5, b"\x00\x01")
assert rows.fetchmany(2) == [("x", None, None), ("y", None, None)]
assert rows.fetchall() == [("z", None, None)]
assert rows.fetchone() is None
db.execute("delete from t where id > 1")
db.rollback()
assert db.execute("select count(*) from t").fetchone() == (4,)
with db:
    db.execute("delete from t where id = 4")
raises(ZeroDivisionError, lambda: exec("with db:\n db.execute('delete from t')\n 1/0"))
assert db.execute("select count(*) from t").fetchone() == (3,)
error = raises(sqlite3.IntegrityError, db.execute, "insert into t(id) values(1)")
assert error.sqlite_errorname == "SQLITE_CONSTRAINT_PRIMARYKEY"
assert error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
raises(sqlite3.OperationalError, db.execute, "select")
raises(sqlite3.ProgrammingError, db.execute, "select 1; select 2")
raises(sqlite3.ProgrammingError, db.execute, "select ?", ())
raises(OverflowError, db.execute, "select ?", (2**63,))
assert db.execute("select ?", (-(2**63),)).fetchone() == (-(2**63),)
db.executescript("create table s(a); insert into s values(1); insert into s values(2);")
assert db.execute("select sum(a) from s").fetchone() == (3,)

# ---- factories, adapters, converters ----

db.row_factory = sqlite3.Row
row = db.execute("select id as number, name from t").fetchone()
assert row["Number"] == row[0] == 1 and row[-1] == row["NAME"] == "åse"
assert row.keys() == ["number", "name"] and dict(row) == {"number": 1, "name": "åse"}
assert len(row) == 2 and tuple(row) == (1, "åse") and row[:1] == (1,)
raises(IndexError, lambda: row["missing"])
raises(IndexError, lambda: row[2])
db.row_factory = None
db.text_factory = bytes
assert db.execute("select name from t").fetchone() == ("åse".encode(),)
db.text_factory = lambda data: data.decode().upper()
assert db.execute("select name from t").fetchone() == ("ÅSE",)
db.text_factory = str
error = raises(sqlite3.OperationalError, db.execute("select cast(x'ff' as text) as bad").fetchone)
assert "'bad'" in str(error)


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __conform__(self, protocol):
        if protocol is sqlite3.PrepareProtocol:
            return f"{self.x};{self.y}"


sqlite3.register_converter("point", lambda data: Point(*map(int, data.split(b";"))))
typed = memory(detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
typed.execute("create table p(at point)")
typed.execute("insert into p values(?)", (Point(3, 4),))
assert typed.execute("select at from p").fetchone()[0].y == 4
found = typed.execute("select '5;6' as \"at [point]\"")
assert found.description[0][0] == "at" and found.fetchone()[0].x == 5
typed.close()

# ---- functions of SQL ----

db.create_function("twice", 1, lambda x: x and x * 2, deterministic=True)
assert db.execute("select twice(21), twice('ab'), twice(null)").fetchone() == (42, "abab", None)
db.create_function("broken", 0, lambda: 1 / 0)
error = raises(sqlite3.OperationalError, db.execute, "select broken()")
assert str(error) == "user-defined function raised exception"
db.create_function("huge", 0, lambda: 2**70)
raises(sqlite3.DataError, db.execute, "select huge()")


class Total:
    def __init__(self):
        self.sum = 0

    def step(self, x):
        self.sum += x

    def inverse(self, x):
        self.sum -= x

    def value(self):
        return self.sum

    def finalize(self):
        return self.sum


db.create_aggregate("total_of", 1, Total)
assert db.execute("select total_of(a) from s").fetchone() == (3,)
assert db.execute("select total_of(a) from s where 0").fetchone() == (None,)
db.create_window_function("moving", 1, Total)
moving = db.execute("select moving(a) over (order by a rows between 1 preceding and current row) from s")
assert moving.fetchall() == [(1,), (3,)]
db.create_collation("backwards", lambda a, b: (a < b) - (a > b))
names = db.execute("select name from t where score is null order by name collate backwards")
assert names.fetchall() == [("y",), ("x",)]
db.create_collation("backwards", None)
raises(sqlite3.OperationalError, db.execute, "select name from t order by name collate backwards")

# ---- hooks ----

seen = []
db.set_trace_callback(seen.append)
db.execute("select ?", ("it's",))
db.set_trace_callback(None)
assert seen == ["select 'it''s'"], seen
db.set_authorizer(lambda action, *rest: sqlite3.SQLITE_DENY if rest[:2] == ("t", "score") else sqlite3.SQLITE_OK)
assert "prohibited" in str(raises(sqlite3.DatabaseError, db.execute, "select score from t"))
db.set_authorizer(None)
db.set_progress_handler(lambda: True, 1)
raises(sqlite3.OperationalError, db.execute, "select count(*) from t, t, t")
db.set_progress_handler(None, 1)

# ---- blobs, copies, limits ----

db.execute("insert into t(id, data) values(9, zeroblob(8))")
with db.blobopen("t", "data", 9) as blob:
    assert len(blob) == 8
    blob.write(b"abc")
    blob[3] = ord("d")
    blob[4:8:2] = b"eg"
    assert blob.tell() == 3 and blob.seek(-2, 2) is None
    assert blob.read() == b"g\0" and blob[0:4] == b"abcd" and blob[-2] == ord("g")
    raises(ValueError, blob.write, b"x")
    raises(IndexError, lambda: blob[8])
raises(sqlite3.ProgrammingError, blob.read)
db.commit()
other = memory()
steps = []
db.backup(other, pages=1, progress=lambda *numbers: steps.append(numbers))
assert len(steps) > 1 and steps[-1][1] == 0
assert other.execute("select count(*) from t").fetchone() == (4,)
third = memory()
third.deserialize(other.serialize())
assert list(third.iterdump()) == list(db.iterdump())
other.close()
third.close()
odd = memory()
odd.executescript("create table \"it's {0}\"(a); insert into \"it's {0}\" values(1);")
assert "INSERT INTO \"it's {0}\" VALUES(1);" in list(odd.iterdump())
odd.close()
assert db.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH) == db.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 20)
raises(sqlite3.DataError, db.execute, "select 'a text that is too long'")
assert db.getconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY) is False
db.close()
raises(sqlite3.ProgrammingError, db.execute, "select 1")
db.close()

# ---- autocommit ----

db = memory(autocommit=False)
assert db.in_transaction
db.execute("create table t(a)")
db.commit()
assert db.in_transaction
db.autocommit = True
assert not db.in_transaction
db.commit()
db.close()
db = memory(isolation_level=None)
db.execute("create table t(a)")
db.execute("insert into t values(1)")
assert not db.in_transaction and db.isolation_level is None
db.close()

# ---- programs that misbehave ----


def close_while(use):
    """Closes the connection from a callback; whatever happens is an exception."""
    db = memory()
    db.executescript("create table t(a); insert into t values(1); insert into t values(2);")
    try:
        use(db, lambda *args: db.close())
    except (sqlite3.Error, TypeError):
        pass
    raises(sqlite3.ProgrammingError, db.execute, "select 1")
    gc.collect()


def in_function(db, close):
    db.create_function("f", 1, close)
    db.execute("select f(a) from t").fetchall()


def in_iterator(db, close):
    def rows():
        yield (3,)
        close()
        yield (4,)

    db.executemany("insert into t values(?)", rows())


def in_adapter(db, close):
    class Closes:
        def __conform__(self, protocol):
            close()
            return 1

    db.execute("insert into t values(?)", (Closes(),))


def in_converter(db, close):
    db.text_factory = close
    db.execute("select 'text' from t").fetchall()


def in_row_factory(db, close):
    db.row_factory = close
    db.execute("select a from t").fetchall()


def in_progress(db, close):
    other = memory()
    try:
        db.backup(other, pages=1, progress=close)
    finally:
        other.close()


for use in (in_converter, in_row_factory, in_progress):
    close_while(use)
if sys.implementation.name != "cpython":
    # CPython 3.14 dies of these.
    for use in (in_function, in_iterator, in_adapter):
        close_while(use)


class Nested:
    """Uses its cursor while that is in use."""

    def __init__(self, db):
        self.cursor = db.cursor()

    def __conform__(self, protocol):
        self.cursor.execute("select 2")


db = memory()
nested = Nested(db)
error = raises(sqlite3.ProgrammingError, nested.cursor.execute, "select ?", (nested,))
assert "Recursive use of cursors" in str(error)
db.create_function("again", 1, lambda n: n and db.execute("select again(?)", (n - 1,)).fetchone()[0] + 1 or 0)
assert db.execute("select again(5)").fetchone() == (5,)


db.create_function("redefine", 0, lambda: db.create_function("redefine", 0, None))
raises(sqlite3.OperationalError, db.execute, "select redefine()")


class LateUse:
    """A function that uses the connection once more when it is given up."""

    def __call__(self):
        return 1

    def __del__(self):
        late.append(raises(sqlite3.Error, db.execute, "select no_such_function()"))


late = []
db.create_function("late", 0, LateUse())
assert db.execute("select late()").fetchone() == (1,)
db.create_function("late", 0, None)
assert len(late) == 1
db.create_function("late", 0, LateUse())
db.close()
assert len(late) == 2

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    lost = memory()
    del lost
    gc.collect()
assert [w.category for w in caught] == [ResourceWarning], caught
raises(sqlite3.ProgrammingError, sqlite3.Connection.__new__(sqlite3.Connection).execute, "select 1")
raises(sqlite3.ProgrammingError, sqlite3.Cursor.__new__(sqlite3.Cursor).fetchone)
