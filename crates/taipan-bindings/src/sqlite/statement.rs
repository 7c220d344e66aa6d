//! Prepared statements, and the cache of those a connection used last.

use super::connection::{database, own};
use super::error::{self, Kind, programming, raise_last};
use super::handle::Prepared;
use super::{STATEMENT, Statement, StatementState, callback};
use crate::support::{Shared, utf8};
use libsqlite3_sys as sql;
use std::collections::HashMap;
use std::ffi::CString;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::{Args, Layout, Py, Slots, Tracer, TypeObject, TypeSpec, Value, Vm};
use taipan_stdlib::support::Holds;

static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Statement",
    layout: Some(const { &Layout::of::<Statement>() }),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

pub fn define() {
    STATEMENT.define(&SPEC);
}

fn new(vm: &mut Vm, _cls: &TypeObject, _args: Args<'_>) -> Py {
    Err(vm.type_error("cannot create 'sqlite3.Statement' instances"))
}

impl Statement {
    pub fn prepared(&self) -> Option<&Prepared> {
        self.prepared.as_ref()
    }

    pub fn changes_data(&self) -> bool {
        self.changes_data
    }

    pub fn busy(&self) -> bool {
        self.prepared().is_some_and(Prepared::busy)
    }

    /// Ends what it is doing; it may be used again.
    pub fn reset(&self) {
        if let Some(prepared) = self.prepared() {
            prepared.reset();
            callback::bury();
        }
    }
}

/// Prepares a statement.
pub fn create(vm: &mut Vm, connection: &Value, text: &Value) -> Py {
    let source = utf8(vm, text)?;
    let database = database(vm, connection)?;
    let longest = database.limit(sql::SQLITE_LIMIT_SQL_LENGTH, -1);
    if source.len() > usize::try_from(longest).unwrap_or(0) {
        return Err(error::raise(vm, Kind::Data, "query string is too large"));
    }
    let Ok(source) = CString::new(source) else {
        return Err(programming(vm, "the query contains a null character"));
    };
    let (rc, prepared, used) = database.prepare(&source);
    callback::bury();
    if rc != sql::SQLITE_OK {
        return Err(raise_last(vm, &database));
    }
    let text = source.to_bytes();
    if !without_blanks(&text[used..]).is_empty() {
        return Err(programming(
            vm,
            "You can only execute one statement at a time.",
        ));
    }
    Ok(new_object(Statement {
        prepared: Shared(prepared),
        changes_data: changes_data(text),
        state: Locked::new(StatementState {}),
    }))
}

/// Does a statement insert, update, delete or replace?
fn changes_data(text: &[u8]) -> bool {
    let text = without_blanks(text);
    ["INSERT", "UPDATE", "DELETE", "REPLACE"]
        .iter()
        .any(|verb| {
            text.get(..verb.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(verb.as_bytes()))
        })
}

/// A text without the blanks and comments at its start.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b' ' | b'\t' | b'\x0c' | b'\n' | b'\r', rest @ ..] => rest,
            [b'-', b'-', rest @ ..] => match rest.iter().position(|c| *c == b'\n') {
                Some(end) => &rest[end..],
                None => return &[],
            },
            [b'/', b'*', rest @ ..] => match rest.windows(2).position(|pair| pair == b"*/") {
                Some(end) => &rest[end + 2..],
                None => return &[],
            },
            _ => return text,
        };
    }
}

/// The statements used last, by their text.
#[derive(Default)]
pub struct Cache {
    capacity: usize,
    clock: u64,
    entries: HashMap<Vec<u8>, (u64, Value)>,
}

impl Holds for Cache {
    fn report(&self, tracer: &mut Tracer<'_>) {
        for (_, statement) in self.entries.values() {
            tracer.visit(statement);
        }
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.take());
    }
}

impl Cache {
    /// Negative sizes hold nothing.
    pub fn new(capacity: i32) -> Cache {
        Cache {
            capacity: usize::try_from(capacity).unwrap_or(0),
            ..Cache::default()
        }
    }

    /// All statements, for the end.
    pub fn take(&mut self) -> Vec<Value> {
        self.entries
            .drain()
            .map(|(_, (_, statement))| statement)
            .collect()
    }

    fn find(&mut self, text: &[u8]) -> Option<Value> {
        self.clock += 1;
        let (used, statement) = self.entries.get_mut(text)?;
        *used = self.clock;
        Some(statement.clone())
    }

    /// Adds a statement; gives what had to leave.
    fn add(&mut self, text: Vec<u8>, statement: Value) -> Option<Value> {
        if self.capacity == 0 {
            return None;
        }
        let mut left = None;
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&text) {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used);
            let oldest = oldest.map(|(text, _)| text.clone());
            left = oldest.and_then(|text| self.entries.remove(&text));
        }
        self.clock += 1;
        let replaced = self.entries.insert(text, (self.clock, statement));
        left.or(replaced).map(|(_, statement)| statement)
    }
}

/// The statement for a text: the cached one, unless it is in use.
pub fn get(vm: &mut Vm, connection: &Value, text: &Value) -> Py {
    let key = utf8(vm, text)?;
    let found = own(connection).lock(vm).statements.find(&key);
    match found {
        Some(found) if !found.expect::<Statement>().busy() => Ok(found),
        Some(_) => create(vm, connection, text),
        None => {
            let made = create(vm, connection, text)?;
            let left = own(connection).lock(vm).statements.add(key, made.clone());
            drop(left);
            Ok(made)
        }
    }
}
