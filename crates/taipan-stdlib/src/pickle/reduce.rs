//! Objects that say themselves how to make them again (`__reduce_ex__` and its kin), and objects that are found by name.

use super::opcode as op;
use super::save::{Batch, DICT_BATCH, LIST_BATCH, Saver, note};
use super::{BATCH, chained, pickling_error, type_text};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::str_object::{self, is_str, str_of};
use taipan_core::tuple_object::{self, empty_tuple, new_tuple};
use taipan_core::{Args, Py, Raised, Value, Vm, name};
use taipan_types::codec::encode_str;

/// The items of the tuple that a reduction is.
struct Reduction<'a> {
    callable: &'a Value,
    args: &'a Value,
    state: Option<&'a Value>,
    list_items: Option<&'a Value>,
    dict_items: Option<&'a Value>,
    state_setter: Option<&'a Value>,
}

/// How a reduction's callable is written.
enum Maker {
    /// `__newobj__`: the class's `__new__`.
    New,
    /// `__newobj_ex__`: that, with keyword arguments.
    NewWithKeywords,
    Call,
}

impl Saver<'_> {
    /// Pickles an object that is no builtin container: what it answers to `__reduce_ex__`, or where it is found by name.
    pub fn reducible(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if let Some(hook) = self.reducer_override.clone() {
            let reduction = vm.call(&hook, std::slice::from_ref(object))?;
            if !reduction.is_not_implemented() {
                return self.reduction(vm, &reduction, object);
            }
        }
        let ty = object.type_of();
        if std::ptr::eq(ty, &types::TYPE) {
            return self.class(vm, object);
        }
        if std::ptr::eq(ty, &types::FUNCTION) {
            return self.global(vm, object, None);
        }
        let class = ty.to_value();
        if let Some(reduce) = self.registered(vm, &class)? {
            let reduction = vm.call(&reduce, std::slice::from_ref(object))?;
            return self.reduction(vm, &reduction, object);
        }
        if object.is_instance(&types::TYPE) {
            return self.global(vm, object, None);
        }
        let reduction = match vm.get_attr_opt(object, name!("__reduce_ex__"))? {
            Some(reduce) => vm.call(&reduce, &[Value::from_i32(self.proto.into())])?,
            None => match vm.get_attr_opt(object, name!("__reduce__"))? {
                Some(reduce) => vm.call(&reduce, &[])?,
                None => {
                    let text = type_text(vm, object);
                    return Err(pickling_error(vm, format!("Can't pickle {text} object")));
                }
            },
        };
        self.reduction(vm, &reduction, object)
    }

    /// What the pickler's dispatch table, or `copyreg`'s, has for a class.
    fn registered(&mut self, vm: &mut Vm, class: &Value) -> Py<Option<Value>> {
        let table = match &self.dispatch_table {
            None => return self.globals.dispatch_table.expect::<Dict>().get(vm, class),
            Some(table) => table.clone(),
        };
        if table.is_exact(&types::DICT) {
            return table.expect::<Dict>().get(vm, class);
        }
        match vm.get_item(&table, class) {
            Ok(found) => Ok(Some(found)),
            Err(raised) => {
                vm.catch(raised, &types::KEY_ERROR)?;
                Ok(None)
            }
        }
    }

    fn reduction(&mut self, vm: &mut Vm, reduction: &Value, object: &Value) -> Py<()> {
        if is_str(reduction) {
            return self.global(vm, object, Some(reduction));
        }
        let done = if tuple_object::items(reduction).is_some() {
            self.reduced(vm, reduction, Some(object))
        } else {
            let text = type_text(vm, reduction);
            let message = format!("__reduce__ must return a string or tuple, not {text}");
            Err(pickling_error(vm, message))
        };
        done.map_err(|raised| note(vm, raised, object, "object"))
    }

    /// Pickles the tuple of a reduction.
    pub fn reduced(&mut self, vm: &mut Vm, parts: &Value, object: Option<&Value>) -> Py<()> {
        let parts = Reduction::of(vm, parts)?;
        match self.maker(vm, &parts)? {
            Maker::Call => {
                let what = "reconstructor";
                self.noted_save(vm, parts.callable, object, what)?;
                self.noted_save(vm, parts.args, object, "reconstructor arguments")?;
                self.out.push(op::REDUCE);
            }
            Maker::New => self.new_object(vm, parts.args, object)?,
            Maker::NewWithKeywords => self.new_object_with_keywords(vm, parts.args, object)?,
        }
        if let Some(object) = object {
            // An object in a cycle through its own arguments has been pickled by now.
            if let Some(number) = self.number_of(vm, object) {
                self.out.push(op::POP);
                return self.recall(vm, number);
            }
            self.memoize(vm, object)?;
        }
        let none = Value::none();
        let of = object.unwrap_or(&none);
        if let Some(items) = parts.list_items {
            self.append_all(vm, items, of)?;
        }
        if let Some(items) = parts.dict_items {
            self.set_all(vm, items, of)?;
        }
        match (parts.state, parts.state_setter) {
            (None, _) => {}
            (Some(state), None) => {
                self.noted_save(vm, state, object, "state")?;
                self.out.push(op::BUILD);
            }
            (Some(state), Some(setter)) => {
                self.noted_save(vm, setter, object, "state setter")?;
                self.save(vm, of)?;
                self.noted_save(vm, state, object, "state")?;
                self.out.extend([op::TUPLE2, op::REDUCE, op::POP]);
            }
        }
        Ok(())
    }

    fn noted_save(&mut self, vm: &mut Vm, value: &Value, of: Option<&Value>, what: &str) -> Py<()> {
        self.save(vm, value).map_err(|raised| match of {
            Some(of) => note(vm, raised, of, what),
            None => raised,
        })
    }

    fn maker(&mut self, vm: &mut Vm, parts: &Reduction<'_>) -> Py<Maker> {
        if self.proto < 2 {
            return Ok(Maker::Call);
        }
        let name = vm.get_attr_opt(parts.callable, name!("__name__"))?;
        let name = name.as_ref().and_then(str_of);
        Ok(match name.and_then(|name| name.ascii()) {
            Some("__newobj__") => Maker::New,
            Some("__newobj_ex__") => Maker::NewWithKeywords,
            _ => Maker::Call,
        })
    }

    fn new_object(&mut self, vm: &mut Vm, args: &Value, object: Option<&Value>) -> Py<()> {
        let args = tuple_object::items(args).unwrap_or_default();
        let Some((class, rest)) = args.split_first() else {
            let message = "__newobj__ expected at least 1 argument, got 0";
            return Err(pickling_error(vm, message));
        };
        self.check_class(vm, class, "__newobj__")?;
        if let Some(object) = object {
            let own = vm.get_attr(object, name!("__class__"))?;
            if !own.is(class) {
                let (own, class) = (vm.repr_string(&own)?, vm.repr_string(class)?);
                let message = format!("first argument to __newobj__() must be {own}, not {class}");
                return Err(pickling_error(vm, message));
            }
        }
        let rest = new_tuple(rest.iter().cloned());
        self.noted_save(vm, class, object, "class")?;
        self.noted_save(vm, &rest, object, "__new__ arguments")?;
        self.out.push(op::NEWOBJ);
        Ok(())
    }

    fn check_class(&self, vm: &mut Vm, class: &Value, function: &str) -> Py<()> {
        if class.is_instance(&types::TYPE) {
            return Ok(());
        }
        let text = type_text(vm, class);
        let message = format!("first argument to {function}() must be a class, not {text}");
        Err(pickling_error(vm, message))
    }

    fn new_object_with_keywords(
        &mut self,
        vm: &mut Vm,
        args: &Value,
        object: Option<&Value>,
    ) -> Py<()> {
        let items = tuple_object::items(args).unwrap_or_default();
        let [class, args, keywords] = items else {
            let message = format!("__newobj_ex__ expected 3 arguments, got {}", items.len());
            return Err(pickling_error(vm, message));
        };
        self.check_class(vm, class, "__newobj_ex__")?;
        let Some(args_row) = tuple_object::items(args) else {
            let text = type_text(vm, args);
            let message = format!("second argument to __newobj_ex__() must be a tuple, not {text}");
            return Err(pickling_error(vm, message));
        };
        let Some(keywords_dict) = dict_of(keywords) else {
            let text = type_text(vm, keywords);
            let message = format!("third argument to __newobj_ex__() must be a dict, not {text}");
            return Err(pickling_error(vm, message));
        };
        if self.proto >= 4 {
            self.noted_save(vm, class, object, "class")?;
            self.noted_save(vm, args, object, "__new__ arguments")?;
            self.noted_save(vm, keywords, object, "__new__ arguments")?;
            self.out.push(op::NEWOBJ_EX);
            return Ok(());
        }
        // `partial(cls.__new__, cls, *args, **keywords)()`
        let mut row = vec![vm.get_attr(class, name!("__new__"))?, class.clone()];
        row.extend(args_row.iter().cloned());
        let (names, values): (Vec<Value>, Vec<Value>) = keywords_dict.items().into_iter().unzip();
        if !names.iter().all(is_str) {
            return Err(vm.type_error("keywords must be strings"));
        }
        row.extend(values);
        let callable = vm.call_args(&self.globals.partial, Args::new(&row, &names))?;
        self.noted_save(vm, &callable, object, "reconstructor")?;
        self.save(vm, &empty_tuple())?;
        self.out.push(op::REDUCE);
        Ok(())
    }

    // ---- items of an iterator ----

    /// The items of an iterator for a list-like object.
    pub fn append_all(&mut self, vm: &mut Vm, iterator: &Value, of: &Value) -> Py<()> {
        let mut at = 0;
        self.batches(vm, iterator, &LIST_BATCH, |this, vm, item| {
            this.item(vm, item, of, at)?;
            at += 1;
            Ok(())
        })
    }

    /// The pairs of an iterator for a dict-like object.
    pub fn set_all(&mut self, vm: &mut Vm, iterator: &Value, of: &Value) -> Py<()> {
        self.batches(vm, iterator, &DICT_BATCH, |this, vm, item| {
            let Some([key, value]) = tuple_object::items(item) else {
                return Err(vm.type_error("dict items iterator must return 2-tuples"));
            };
            this.pair(vm, key, value, of)
        })
    }

    fn batches(
        &mut self,
        vm: &mut Vm,
        iterator: &Value,
        batch: &Batch,
        mut write: impl FnMut(&mut Self, &mut Vm, &Value) -> Py<()>,
    ) -> Py<()> {
        if !self.bin {
            while let Some(item) = vm.next(iterator)? {
                write(self, vm, &item)?;
                self.out.push(batch.one);
            }
            return Ok(());
        }
        loop {
            let Some(first) = vm.next(iterator)? else {
                return Ok(());
            };
            let Some(second) = vm.next(iterator)? else {
                write(self, vm, &first)?;
                self.out.push(batch.one);
                return Ok(());
            };
            self.out.push(op::MARK);
            write(self, vm, &first)?;
            write(self, vm, &second)?;
            let mut count = 2;
            while count < BATCH {
                let Some(item) = vm.next(iterator)? else {
                    break;
                };
                write(self, vm, &item)?;
                count += 1;
            }
            self.out.push(batch.many);
            if count < BATCH {
                return Ok(());
            }
        }
    }

    // ---- by name ----

    /// Classes: those of the singletons have no name to be found by.
    fn class(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let singletons = [Value::none(), Value::ellipsis(), Value::not_implemented()];
        for singleton in singletons {
            if object.is(&singleton.type_of().to_value()) {
                let parts = [types::TYPE.to_value(), new_tuple([singleton])];
                return self.reduced(vm, &new_tuple(parts), Some(object));
            }
        }
        self.global(vm, object, None)
    }

    /// Pickles an object by its module and name.
    fn global(&mut self, vm: &mut Vm, object: &Value, name: Option<&Value>) -> Py<()> {
        let name = match name {
            Some(name) => name.clone(),
            None => match vm.get_attr_opt(object, name!("__qualname__"))? {
                Some(name) => name,
                None => vm.get_attr(object, name!("__name__"))?,
            },
        };
        let path = dotted(vm, &name)?;
        let module = module_of(vm, object, &name, &path)?;
        if self.proto >= 2 && self.extension(vm, &module, &name)? {
            return Ok(());
        }
        if self.proto >= 4 {
            self.save(vm, &module)?;
            self.save(vm, &name)?;
            self.out.push(op::STACK_GLOBAL);
            return self.memoize(vm, object);
        }
        // A dotted path: `getattr(getattr(top, "a"), "b")`.
        let Some((top, rest)) = path.split_first() else {
            return Ok(());
        };
        let getattr = self.globals.getattr.clone();
        for _ in rest {
            self.save(vm, &getattr)?;
            if self.proto < 2 {
                self.out.push(op::MARK);
            }
        }
        self.top_level(vm, &module, top)?;
        for attribute in rest {
            self.save(vm, attribute)?;
            let tuple = if self.proto < 2 {
                op::TUPLE
            } else {
                op::TUPLE2
            };
            self.out.extend([tuple, op::REDUCE]);
        }
        self.memoize(vm, object)
    }

    /// Writes the code that `copyreg` has for a name, if it has one.
    fn extension(&mut self, vm: &mut Vm, module: &Value, name: &Value) -> Py<bool> {
        let key = new_tuple([module.clone(), name.clone()]);
        let registry = self.globals.extension_registry.expect::<Dict>();
        let Some(code) = registry.get(vm, &key)? else {
            return Ok(false);
        };
        if !code.is_int() {
            let message = format!(
                "'{}' object cannot be interpreted as an integer",
                code.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        let Some(code) = code.as_i64() else {
            return Err(vm.overflow_error("Python int too large to convert to C long"));
        };
        match code {
            1..=0xff => self.out.extend([op::EXT1, code as u8]),
            0x100..=0xffff => {
                self.out.push(op::EXT2);
                self.out.extend((code as u16).to_le_bytes());
            }
            0x10000..=0x7fff_ffff => {
                self.out.push(op::EXT4);
                self.out.extend((code as i32).to_le_bytes());
            }
            _ => {
                let message = format!("extension code {code} is out of range");
                return Err(vm.runtime_error(message));
            }
        }
        Ok(true)
    }

    /// The opcode for a module's own name, before protocol 4.
    fn top_level(&mut self, vm: &mut Vm, module: &Value, name: &Value) -> Py<()> {
        let (mut module, mut name) = (module.clone(), name.clone());
        if self.fix_imports {
            self.python2_names(vm, &mut module, &mut name)?;
        }
        self.out.push(op::GLOBAL);
        self.identifier(vm, &module, "module")?;
        self.identifier(vm, &name, "global")
    }

    fn identifier(&mut self, vm: &mut Vm, text: &Value, what: &str) -> Py<()> {
        let encoding = if self.proto >= 3 { "utf-8" } else { "ascii" };
        match encode_str(vm, text, Some(encoding), None) {
            Ok(bytes) => {
                let bytes = taipan_types::bytes::bytes_of(&bytes).unwrap_or_default();
                self.out.extend_from_slice(bytes);
                self.out.push(b'\n');
                Ok(())
            }
            Err(raised) => {
                let error = vm.catch(raised, &types::UNICODE_ENCODE_ERROR)?;
                let text = vm.repr_string(text)?;
                let message = format!(
                    "can't pickle {what} identifier {text} using pickle protocol {}",
                    self.proto
                );
                Err(chained(vm, error, |vm| pickling_error(vm, message)))
            }
        }
    }

    fn python2_names(&mut self, vm: &mut Vm, module: &mut Value, name: &mut Value) -> Py<()> {
        let globals = self.globals;
        let key = new_tuple([module.clone(), name.clone()]);
        if let Some(pair) = globals.names_3to2.expect::<Dict>().get(vm, &key)? {
            (*module, *name) = name_pair(vm, &pair, "REVERSE_NAME_MAPPING")?;
        } else if let Some(other) = globals.modules_3to2.expect::<Dict>().get(vm, module)? {
            *module = module_name(vm, other, "REVERSE_IMPORT_MAPPING")?;
        }
        Ok(())
    }
}

impl<'a> Reduction<'a> {
    fn of(vm: &mut Vm, parts: &'a Value) -> Py<Reduction<'a>> {
        let items = tuple_object::items(parts).unwrap_or_default();
        if !(2..=6).contains(&items.len()) {
            let message = "tuple returned by __reduce__ must contain 2 through 6 elements";
            return Err(pickling_error(vm, message));
        }
        let part = |at: usize| items.get(at).filter(|part| !part.is_none());
        let reduction = Reduction {
            callable: &items[0],
            args: &items[1],
            state: part(2),
            list_items: part(3),
            dict_items: part(4),
            state_setter: part(5),
        };
        let wrong = |vm: &mut Vm, which: &str, wanted: &str, got: &Value| {
            let got = type_text(vm, got);
            let message = format!(
                "{which} item of the tuple returned by __reduce__ must be {wanted}, not {got}"
            );
            Err(pickling_error(vm, message))
        };
        if !vm.is_callable(reduction.callable) {
            return wrong(vm, "first", "callable", reduction.callable);
        }
        if tuple_object::items(reduction.args).is_none() {
            return wrong(vm, "second", "a tuple", reduction.args);
        }
        let iterators = [
            ("fourth", reduction.list_items),
            ("fifth", reduction.dict_items),
        ];
        for (which, items) in iterators {
            if let Some(items) = items.filter(|items| items.type_of().slots().next.is_none()) {
                return wrong(vm, which, "an iterator", items);
            }
        }
        if let Some(setter) = reduction
            .state_setter
            .filter(|setter| !vm.is_callable(setter))
        {
            return wrong(vm, "sixth", "callable", setter);
        }
        Ok(reduction)
    }
}

/// A pair of names from a table of `_compat_pickle`.
pub(super) fn name_pair(vm: &mut Vm, pair: &Value, table: &str) -> Py<(Value, Value)> {
    let Some([module, name]) = tuple_object::items(pair) else {
        let message = format!(
            "_compat_pickle.{table} values should be 2-tuples, not {}",
            pair.type_of().name()
        );
        return Err(vm.runtime_error(message));
    };
    if !is_str(module) || !is_str(name) {
        let message = format!(
            "_compat_pickle.{table} values should be pairs of str, not ({}, {})",
            module.type_of().name(),
            name.type_of().name()
        );
        return Err(vm.runtime_error(message));
    }
    Ok((module.clone(), name.clone()))
}

/// A module's name from a table of `_compat_pickle`.
pub(super) fn module_name(vm: &mut Vm, name: Value, table: &str) -> Py {
    if is_str(&name) {
        return Ok(name);
    }
    let message = format!(
        "_compat_pickle.{table} values should be strings, not {}",
        name.type_of().name()
    );
    Err(vm.runtime_error(message))
}

/// The parts of a dotted name.
pub(super) fn dotted(vm: &mut Vm, name: &Value) -> Py<Vec<Value>> {
    let Some(text) = str_of(name) else {
        let message = format!("must be str, not {}", name.type_of().name());
        return Err(vm.type_error(message));
    };
    let points: Vec<u32> = text.code_points().collect();
    let parts = points.split(|c| *c == u32::from('.'));
    Ok(parts
        .map(|part| str_object::intern(&str_object::new_from_code_points(part)))
        .collect())
}

fn follow(vm: &mut Vm, object: &Value, path: &[Value]) -> Py {
    let mut at = object.clone();
    for name in path {
        at = vm.get_attr(&at, name)?;
    }
    Ok(at)
}

/// The same, for a path that may not be there.
fn follow_opt(vm: &mut Vm, object: &Value, path: &[Value]) -> Py<Option<Value>> {
    let mut at = object.clone();
    for name in path {
        match vm.get_attr_opt(&at, name)? {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// `sys.modules`
fn modules(vm: &mut Vm) -> Py {
    let modules = vm.interpreter().modules.get();
    modules.ok_or_else(|| vm.runtime_error("unable to get sys.modules"))
}

/// The module where an object is found under `name`: checked, so that it can be found again.
fn module_of(vm: &mut Vm, object: &Value, name: &Value, path: &[Value]) -> Py {
    let own = vm.get_attr_opt(object, name!("__module__"))?;
    let local = path
        .iter()
        .any(|part| str_of(part).is_some_and(|part| part.ascii() == Some("<locals>")));
    if local {
        let shown = vm.repr_string(object)?;
        return Err(pickling_error(
            vm,
            format!("Can't pickle local object {shown}"),
        ));
    }
    let module_name = match own.filter(|module| !module.is_none()) {
        Some(module) => module,
        None => match search_modules(vm, object, path)? {
            Some(module) => return Ok(module),
            None => name!("__main__").clone(),
        },
    };
    let module = match import(vm, &module_name) {
        Ok(module) => module,
        Err(raised) => return Err(not_imported(vm, raised, object)),
    };
    let lookup = follow(vm, &module, path);
    if let Ok(found) = &lookup
        && found.is(object)
    {
        return Ok(module_name);
    }
    if let Err(raised) = lookup {
        let error = vm.catch(raised, &types::ATTRIBUTE_ERROR)?;
        let place = place(vm, object, &module_name, name, "it's not found as")?;
        return Err(chained(vm, error, |vm| pickling_error(vm, place)));
    }
    let place = place(
        vm,
        object,
        &module_name,
        name,
        "it's not the same object as",
    )?;
    Err(pickling_error(vm, place))
}

fn place(vm: &mut Vm, object: &Value, module: &Value, name: &Value, what: &str) -> Py<String> {
    let shown = vm.repr_string(object)?;
    let (module, name) = (vm.str_string(module)?, vm.str_string(name)?);
    Ok(format!("Can't pickle {shown}: {what} {module}.{name}"))
}

#[cold]
fn not_imported(vm: &mut Vm, raised: Raised, object: &Value) -> Raised {
    let expected = [&types::IMPORT_ERROR, &types::VALUE_ERROR, &types::KEY_ERROR];
    if !expected.iter().any(|ty| vm.pending_is(ty)) {
        return raised;
    }
    let error = vm.take_raised(raised);
    let texts = vm
        .repr_string(object)
        .and_then(|shown| Ok((shown, vm.str_string(&error)?)));
    match texts {
        Ok((shown, text)) => chained(vm, error, |vm| {
            pickling_error(vm, format!("Can't pickle {shown}: {text}"))
        }),
        Err(raised) => raised,
    }
}

/// Looks for an object without `__module__` in all modules.
fn search_modules(vm: &mut Vm, object: &Value, path: &[Value]) -> Py<Option<Value>> {
    let modules = modules(vm)?;
    let rows = match dict_of(&modules) {
        Some(dict) => dict.items(),
        None => Vec::new(),
    };
    for (name, module) in rows {
        let text = str_of(&name).and_then(|name| name.ascii());
        if module.is_none() || matches!(text, Some("__main__" | "__mp_main__")) {
            continue;
        }
        if let Some(found) = follow_opt(vm, &module, path)?
            && found.is(object)
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Imports a module by its full name.
pub(super) fn import(vm: &mut Vm, module: &Value) -> Py {
    if !is_str(module) {
        let message = format!(
            "module name must be a string, not {}",
            module.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let import = taipan_core::class::builtin(vm, name!("__import__"))?;
    vm.call(&import, std::slice::from_ref(module))?;
    let modules = modules(vm)?;
    vm.get_item(&modules, module)
}

/// An attribute of a module; a dotted path names one inside of it.
pub(super) fn find_global(vm: &mut Vm, module: &Value, name: &Value, nested: bool) -> Py {
    let object = import(vm, module)?;
    let path = if nested {
        dotted(vm, name)?
    } else {
        Vec::new()
    };
    if path.len() < 2 {
        return vm.get_attr(&object, name);
    }
    match follow(vm, &object, &path) {
        Ok(found) => Ok(found),
        Err(raised) => {
            let error = vm.catch(raised, &types::ATTRIBUTE_ERROR)?;
            let (name, module) = (vm.repr_string(name)?, vm.repr_string(module)?);
            let message = format!("Can't resolve path {name} on module {module}");
            Err(chained(vm, error, |vm| vm.attribute_error(message)))
        }
    }
}
