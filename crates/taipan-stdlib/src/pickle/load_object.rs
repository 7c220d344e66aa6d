//! Opcodes that fill containers, find things by name and make instances.

use super::load::{Input, Loader};
use super::opcode as op;
use super::unpickler::{find_class, unexpected_id};
use super::unpickling_error;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::str_object::{intern, is_exact_str, is_str, new_str};
use taipan_core::tuple_object::{self, new_tuple};
use taipan_core::type_object::TypeFlags;
use taipan_core::{Args, Py, Type, Value, Vm, name};
use taipan_types::list::{self, Storage};
use taipan_types::{codec, set};

impl<I: Input> Loader<'_, I> {
    /// The opcodes that are left.
    pub fn object_opcode(&mut self, vm: &mut Vm, opcode: u8) -> Py<()> {
        match opcode {
            op::NEWOBJ_EX => self.new_object_with_keywords(vm),
            op::EXT1 => {
                let code = self.byte(vm)?;
                self.extension(vm, code.into())
            }
            op::EXT2 => {
                let code = u16::from_le_bytes(self.array(vm)?);
                self.extension(vm, code.into())
            }
            op::EXT4 => {
                let code = i32::from_le_bytes(self.array(vm)?);
                self.extension(vm, code.into())
            }
            op::INST => self.inst(vm),
            op::OBJ => self.obj(vm),
            op::PERSID => {
                // The text of an id may be empty.
                let line = self.input.line(vm)?.into_owned();
                if !line.is_ascii() {
                    let message = "persistent IDs in protocol 0 must be ASCII strings";
                    return Err(unpickling_error(vm, message));
                }
                self.persistent(vm, new_str(&String::from_utf8_lossy(&line)))
            }
            op::BINPERSID => {
                let id = self.pop(vm)?;
                self.persistent(vm, id)
            }
            0x20..=0x7e if opcode != b'\'' && opcode != b'\\' => {
                let key = char::from(opcode);
                Err(unpickling_error(vm, format!("invalid load key, '{key}'.")))
            }
            _ => {
                let message = format!("invalid load key, '\\x{opcode:02x}'.");
                Err(unpickling_error(vm, message))
            }
        }
    }

    fn persistent(&mut self, vm: &mut Vm, id: Value) -> Py<()> {
        let Some(load) = self.persistent_load.clone() else {
            return Err(unexpected_id(vm));
        };
        let value = vm.call(&load, &[id])?;
        self.push(value)
    }

    // ---- containers ----

    /// Takes the mark away. `None`: nothing lies above it; else where the items begin, with a container below them.
    fn items_above(&mut self, vm: &mut Vm) -> Py<Option<usize>> {
        let at = self.unmark(vm)?;
        if at <= self.fence {
            return Err(self.underflow(vm));
        }
        Ok((at < self.stack.len()).then_some(at))
    }

    fn container(&self, vm: &mut Vm, at: usize) -> Py {
        match at.checked_sub(1).and_then(|at| self.stack.get(at)) {
            Some(container) => Ok(container.clone()),
            None => Err(self.underflow(vm)),
        }
    }

    pub fn append(&mut self, vm: &mut Vm) -> Py<()> {
        let item = self.pop(vm)?;
        let list = self.top(vm)?;
        if list::is_exact_list(list)
            && let Some(list) = list::list_of(list)
        {
            return list::ListExt::append(list, vm, item);
        }
        let list = list.clone();
        vm.call_method(&list, name!("append"), &[item])?;
        Ok(())
    }

    pub fn appends(&mut self, vm: &mut Vm) -> Py<()> {
        let Some(at) = self.items_above(vm)? else {
            return Ok(());
        };
        let target = self.container(vm, at)?;
        let items = self.stack.split_off(at);
        if list::is_exact_list(&target)
            && let Some(list) = list::list_of(&target)
        {
            let Ok(items) = Storage::from_values(items) else {
                return Err(vm.memory_error());
            };
            return list::ListExt::change(list, vm, |storage| storage.append(items));
        }
        if let Some(extend) = vm.get_attr_opt(&target, name!("extend"))? {
            vm.call(&extend, &[list::new_list(items)])?;
            return Ok(());
        }
        let append = vm.get_attr(&target, name!("append"))?;
        for item in items {
            vm.call(&append, &[item])?;
        }
        Ok(())
    }

    pub fn set_item(&mut self, vm: &mut Vm) -> Py<()> {
        let value = self.pop(vm)?;
        let key = self.pop(vm)?;
        let target = self.top(vm)?.clone();
        store(vm, &target, &key, value)
    }

    pub fn set_items(&mut self, vm: &mut Vm) -> Py<()> {
        let Some(at) = self.items_above(vm)? else {
            return Ok(());
        };
        let target = self.container(vm, at)?;
        let items = self.stack.split_off(at);
        if !items.len().is_multiple_of(2) {
            return Err(unpickling_error(vm, "odd number of items for SETITEMS"));
        }
        fill(vm, &target, items)
    }

    pub fn dict(&mut self, vm: &mut Vm) -> Py<()> {
        let items = self.pop_mark(vm)?;
        if !items.len().is_multiple_of(2) {
            return Err(unpickling_error(vm, "odd number of items for DICT"));
        }
        let dict = new_dict();
        fill(vm, &dict, items)?;
        self.push(dict)
    }

    pub fn add_items(&mut self, vm: &mut Vm) -> Py<()> {
        let Some(at) = self.items_above(vm)? else {
            return Ok(());
        };
        let target = self.container(vm, at)?;
        let items = self.stack.split_off(at);
        if target.is_instance(&types::SET)
            && let Some(set) = set::any_set(&target)
        {
            return set::update(vm, set, &new_tuple(items));
        }
        let add = vm.get_attr(&target, name!("add"))?;
        for item in items {
            vm.call(&add, &[item])?;
        }
        Ok(())
    }

    // ---- by name ----

    /// `self.find_class(module, name)`
    fn find(&mut self, vm: &mut Vm, module: &Value, name: &Value) -> Py {
        if self.plain_find_class {
            return find_class(vm, self.owner, module, name);
        }
        let args = [module.clone(), name.clone()];
        vm.call_method(self.owner, name!("find_class"), &args)
    }

    /// A line of UTF-8 (or ASCII).
    fn name_line(&mut self, vm: &mut Vm, encoding: &str) -> Py {
        let line = self.line(vm)?;
        codec::decode(vm, &line, Some(encoding), None)
    }

    pub fn global(&mut self, vm: &mut Vm) -> Py<()> {
        let module = self.name_line(vm, "utf-8")?;
        let name = self.name_line(vm, "utf-8")?;
        let found = self.find(vm, &module, &name)?;
        self.push(found)
    }

    pub fn stack_global(&mut self, vm: &mut Vm) -> Py<()> {
        let name = self.pop(vm)?;
        let module = self.pop(vm)?;
        if !is_exact_str(&name) || !is_exact_str(&module) {
            return Err(unpickling_error(vm, "STACK_GLOBAL requires str"));
        }
        let found = self.find(vm, &module, &name)?;
        self.push(found)
    }

    fn extension(&mut self, vm: &mut Vm, code: i64) -> Py<()> {
        let globals = self.globals;
        let key = Value::int(code);
        let cache = globals.extension_cache.expect::<Dict>();
        if let Some(found) = cache.get(vm, &key)? {
            return self.push(found);
        }
        let registry = globals.inverted_registry.expect::<Dict>();
        let Some(pair) = registry.get(vm, &key)? else {
            if code <= 0 {
                return Err(unpickling_error(vm, "EXT specifies code <= 0"));
            }
            return Err(vm.value_error(format!("unregistered extension code {code}")));
        };
        let (module, name) = match tuple_object::items(&pair) {
            Some([module, name]) if is_str(module) && is_str(name) => (module, name),
            _ => {
                let message = format!("_inverted_registry[{code}] isn't a 2-tuple of strings");
                return Err(vm.value_error(message));
            }
        };
        let found = self.find(vm, module, name)?;
        cache.insert(vm, &key, found.clone())?;
        self.push(found)
    }

    // ---- instances ----

    pub fn reduce(&mut self, vm: &mut Vm) -> Py<()> {
        let args = self.pop(vm)?;
        let callable = self.pop(vm)?;
        let value = apply(vm, &callable, &args)?;
        self.push(value)
    }

    pub fn new_object(&mut self, vm: &mut Vm) -> Py<()> {
        let args = self.pop(vm)?;
        let class = self.pop(vm)?;
        let value = construct(vm, "NEWOBJ", &class, &args, None)?;
        self.push(value)
    }

    fn new_object_with_keywords(&mut self, vm: &mut Vm) -> Py<()> {
        let keywords = self.pop(vm)?;
        let args = self.pop(vm)?;
        let class = self.pop(vm)?;
        let value = construct(vm, "NEWOBJ_EX", &class, &args, Some(&keywords))?;
        self.push(value)
    }

    fn inst(&mut self, vm: &mut Vm) -> Py<()> {
        if self.marks.is_empty() {
            return Err(unpickling_error(vm, "could not find MARK"));
        }
        let module = self.name_line(vm, "ascii")?;
        let name = self.name_line(vm, "ascii")?;
        let class = self.find(vm, &module, &name)?;
        let args = self.pop_mark(vm)?;
        let value = instantiate(vm, &class, args)?;
        self.push(value)
    }

    fn obj(&mut self, vm: &mut Vm) -> Py<()> {
        let mut args = self.pop_mark(vm)?;
        if args.is_empty() {
            return Err(self.underflow(vm));
        }
        let class = args.remove(0);
        let value = instantiate(vm, &class, args)?;
        self.push(value)
    }

    pub fn build(&mut self, vm: &mut Vm) -> Py<()> {
        let state = self.pop(vm)?;
        let object = self.top(vm)?.clone();
        if let Some(set_state) = vm.get_attr_opt(&object, name!("__setstate__"))? {
            vm.call(&set_state, &[state])?;
            return Ok(());
        }
        let (state, slots) = match tuple_object::items(&state) {
            Some([state, slots]) => (state.clone(), Some(slots.clone())),
            _ => (state, None),
        };
        if !state.is_none() {
            let Some(rows) = dict_of(&state).map(|dict| dict.items()) else {
                return Err(unpickling_error(vm, "state is not a dictionary"));
            };
            set_attributes(vm, &object, rows)?;
        }
        let Some(slots) = slots.filter(|slots| !slots.is_none()) else {
            return Ok(());
        };
        let Some(rows) = dict_of(&slots).map(|dict| dict.items()) else {
            return Err(unpickling_error(vm, "slot state is not a dictionary"));
        };
        for (name, value) in rows {
            vm.set_attr(&object, &name, Some(&value))?;
        }
        Ok(())
    }
}

/// `object.__dict__.update(rows)`
fn set_attributes(vm: &mut Vm, object: &Value, rows: Vec<(Value, Value)>) -> Py<()> {
    // The usual case: no need to make the dict.
    let plain = plain_attributes(object) && rows.iter().all(|(name, _)| is_exact_str(name));
    if plain {
        for (name, value) in rows {
            use taipan_core::instance::{Stored, set};
            match set(object, &intern(&name), value.clone()) {
                Stored::Done(old) => drop(old),
                Stored::InDict(dict) => store(vm, &dict, &intern(&name), value)?,
                Stored::NoDict => {
                    return Err(vm.no_attribute(object, name!("__dict__")));
                }
            }
        }
        return Ok(());
    }
    let dict = vm.get_attr(object, name!("__dict__"))?;
    for (key, value) in rows {
        let key = if is_exact_str(&key) {
            intern(&key)
        } else {
            key
        };
        vm.set_item(&dict, &key, &value)?;
    }
    Ok(())
}

/// Does the object have a `__dict__` of the usual kind, and does nobody compute it?
fn plain_attributes(object: &Value) -> bool {
    let ty = object.type_of();
    let generic = taipan_core::generic_get_attr as *const () as usize;
    let plain_lookup = ty
        .slots()
        .get_attr
        .is_none_or(|get| get as usize == generic);
    plain_lookup
        && taipan_core::instance::has_dict(object)
        && ty.mro().iter().all(|ty| {
            let own = ty.namespace().get_name(name!("__dict__"));
            own.is_none_or(|own| own.is_exact(&types::GETSET_DESCRIPTOR))
        })
}

fn store(vm: &mut Vm, target: &Value, key: &Value, value: Value) -> Py<()> {
    if target.is_exact(&types::DICT) {
        let old = target.expect::<Dict>().insert(vm, key, value)?;
        drop(old);
        return Ok(());
    }
    vm.set_item(target, key, &value)
}

/// Stores keys and values in turn.
fn fill(vm: &mut Vm, target: &Value, items: Vec<Value>) -> Py<()> {
    if target.is_exact(&types::DICT) {
        target.expect::<Dict>().reserve(vm, items.len() / 2)?;
    }
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        store(vm, target, &key, value)?;
    }
    Ok(())
}

fn apply(vm: &mut Vm, callable: &Value, args: &Value) -> Py {
    match tuple_object::items(args) {
        Some(items) => vm.call(callable, items),
        None if !vm.is_callable(callable) => Err(vm.not_callable(callable)),
        None => Err(vm.type_error("argument list must be a tuple")),
    }
}

/// `class.__new__(class, *args, **keywords)`
fn construct(
    vm: &mut Vm,
    opcode: &str,
    class: &Value,
    args: &Value,
    keywords: Option<&Value>,
) -> Py {
    let Some(ty) = class.cast::<Type>() else {
        let name = class.type_of().name();
        let message = format!("{opcode} class argument must be a type, not {name}");
        return Err(unpickling_error(vm, message));
    };
    let new = match ty.slots().new {
        Some(new) if !ty.has(TypeFlags::NO_INSTANTIATION) => new,
        _ => {
            let name = ty.name();
            let message = format!("{opcode} class argument '{name}' doesn't have __new__");
            return Err(unpickling_error(vm, message));
        }
    };
    let Some(items) = tuple_object::items(args) else {
        let name = args.type_of().name();
        let message = format!("{opcode} args argument must be a tuple, not {name}");
        return Err(unpickling_error(vm, message));
    };
    let Some(keywords) = keywords else {
        return new(vm, ty, Args::positional(items));
    };
    let Some(keywords) = dict_of(keywords) else {
        let name = keywords.type_of().name();
        let message = format!("{opcode} kwargs argument must be a dict, not {name}");
        return Err(unpickling_error(vm, message));
    };
    let (names, values): (Vec<Value>, Vec<Value>) = keywords.items().into_iter().unzip();
    if !names.iter().all(is_str) {
        return Err(vm.type_error("keywords must be strings"));
    }
    let mut row = items.to_vec();
    row.extend(values);
    new(vm, ty, Args::new(&row, &names))
}

/// An instance of a class as Python 1 and 2 made it: without arguments `__init__` is not called.
fn instantiate(vm: &mut Vm, class: &Value, args: Vec<Value>) -> Py {
    if args.is_empty()
        && class.is_instance(&types::TYPE)
        && vm.get_attr_opt(class, name!("__getinitargs__"))?.is_none()
    {
        return vm.call_method(class, name!("__new__"), std::slice::from_ref(class));
    }
    vm.call(class, &args)
}
