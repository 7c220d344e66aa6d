//! Length, subscripts, membership, iteration.
//!
//! Each entry checks the native stack: wrappers (proxies, `map`, `zip`, ...) may be nested as deep as a program likes.

use crate::Py;
use crate::builtin_types as types;
use crate::name;
use crate::raise::Raised;
use crate::slot_generic::GENERIC;
use crate::type_object::{TypeFlags, TypeObject};
use crate::value::Value;
use crate::vm::Vm;

/// May `container[0]`, `container[1]` and so on give items? A builtin type that knows no length has subscripts of another kind.
fn has_items_by_number(ty: &TypeObject) -> bool {
    let Some(get_item) = ty.slots().get_item else {
        return false;
    };
    let of_class = GENERIC
        .get_item
        .is_some_and(|own| own as usize == get_item as usize);
    !ty.has(TypeFlags::DICT_SUBCLASS) && (of_class || ty.slots().len.is_some())
}

impl Vm {
    /// `len(value)`
    pub fn length(&mut self, value: &Value) -> Py<usize> {
        self.check_stack()?;
        match value.type_of().slots().len {
            Some(len) => len(self, value),
            None => {
                let message = format!("object of type '{}' has no len()", value.type_of().name());
                Err(self.type_error(message))
            }
        }
    }

    /// `operator.length_hint(value, default)`
    pub fn length_hint(&mut self, value: &Value, default: usize) -> Py<usize> {
        self.check_stack()?;
        if let Some(len) = value.type_of().slots().len {
            match len(self, value) {
                Ok(len) => return Ok(len),
                Err(raised) => self.catch(raised, &types::TYPE_ERROR)?,
            };
        }
        let hint = match self.call_special(value, name!("__length_hint__"), &[]) {
            Ok(None) => return Ok(default),
            Ok(Some(hint)) if hint.is_not_implemented() => return Ok(default),
            Ok(Some(hint)) => hint,
            Err(raised) => {
                self.catch(raised, &types::TYPE_ERROR)?;
                return Ok(default);
            }
        };
        if !hint.is_int() {
            let message = format!(
                "__length_hint__ must be an integer, not {}",
                hint.type_of().name()
            );
            return Err(self.type_error(message));
        }
        match hint.as_i64() {
            Some(hint) if hint >= 0 => Ok(hint as usize),
            Some(_) => Err(self.value_error("__length_hint__() should return >= 0")),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// `container[key]`
    #[inline]
    pub fn get_item(&mut self, container: &Value, key: &Value) -> Py {
        self.check_stack()?;
        match container.type_of().slots().get_item {
            Some(get) => get(self, container, key),
            None => self.class_get_item(container, key),
        }
    }

    /// `container[key]` of something without subscripts: a class with `__class_getitem__`, or an error.
    fn class_get_item(&mut self, container: &Value, key: &Value) -> Py {
        if let Some(ty) = container.cast::<crate::type_object::Type>() {
            if std::ptr::eq(ty, &types::TYPE) {
                return (self.interpreter().hooks.generic_alias)(self, container, key);
            }
            if let Some(method) = self.get_attr_opt(container, name!("__class_getitem__"))?
                && !method.is_none()
            {
                return self.call(&method, std::slice::from_ref(key));
            }
            let message = format!("type '{}' is not subscriptable", ty.name());
            return Err(self.type_error(message));
        }
        let message = format!(
            "'{}' object is not subscriptable",
            container.type_of().name()
        );
        Err(self.type_error(message))
    }

    /// `container[key] = value`
    #[inline]
    pub fn set_item(&mut self, container: &Value, key: &Value, value: &Value) -> Py<()> {
        self.check_stack()?;
        match container.type_of().slots().set_item {
            Some(set) => set(self, container, key, Some(value)),
            None => {
                let message = format!(
                    "'{}' object does not support item assignment",
                    container.type_of().name()
                );
                Err(self.type_error(message))
            }
        }
    }

    /// `del container[key]`
    pub fn del_item(&mut self, container: &Value, key: &Value) -> Py<()> {
        self.check_stack()?;
        match container.type_of().slots().set_item {
            Some(set) => set(self, container, key, None),
            None => {
                let message = format!(
                    "'{}' object doesn't support item deletion",
                    container.type_of().name()
                );
                Err(self.type_error(message))
            }
        }
    }

    /// `item in container`
    pub fn contains(&mut self, container: &Value, item: &Value) -> Py<bool> {
        self.check_stack()?;
        if let Some(contains) = container.type_of().slots().contains {
            return contains(self, container, item);
        }
        let slots = container.type_of().slots();
        if slots.iter.is_none() && !has_items_by_number(container.type_of()) {
            let message = format!(
                "argument of type '{}' is not a container or iterable",
                container.type_of().name()
            );
            return Err(self.type_error(message));
        }
        let iterator = self.iter(container)?;
        while let Some(own) = self.next(&iterator)? {
            if self.equal(&own, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `iter(value)`
    #[inline]
    pub fn iter(&mut self, value: &Value) -> Py {
        self.check_stack()?;
        let slots = value.type_of().slots();
        if let Some(iter) = slots.iter {
            let iterator = iter(self, value)?;
            if iterator.type_of().slots().next.is_none() {
                let message = format!(
                    "iter() returned non-iterator of type '{}'",
                    iterator.type_of().name()
                );
                return Err(self.type_error(message));
            }
            return Ok(iterator);
        }
        if has_items_by_number(value.type_of()) {
            return (self.interpreter().hooks.sequence_iterator)(self, value);
        }
        let message = format!("'{}' object is not iterable", value.type_of().name());
        Err(self.type_error(message))
    }

    /// `next(iterator)`; `None` is exhaustion, without an exception.
    #[inline]
    pub fn next(&mut self, iterator: &Value) -> Py<Option<Value>> {
        match self.next_or_stop(iterator) {
            Ok(item) => Ok(item),
            Err(raised) => self.end_at_stop(raised),
        }
    }

    /// A `StopIteration` is exhaustion, too.
    #[cold]
    fn end_at_stop(&mut self, raised: Raised) -> Py<Option<Value>> {
        self.catch(raised, &types::STOP_ITERATION)?;
        Ok(None)
    }

    /// As [`Vm::next`], for those who want the value of a `StopIteration`: if the iterator ends with one it is left raised.
    #[inline]
    pub fn next_or_stop(&mut self, iterator: &Value) -> Py<Option<Value>> {
        self.check_stack()?;
        match iterator.type_of().slots().next {
            Some(next) => next(self, iterator),
            None => {
                let message = format!("'{}' object is not an iterator", iterator.type_of().name());
                Err(self.type_error(message))
            }
        }
    }

    /// All items of an iterable.
    pub fn to_vec(&mut self, iterable: &Value) -> Py<Vec<Value>> {
        if let Some(items) = crate::tuple_object::items(iterable)
            && iterable.is_exact(&types::TUPLE)
        {
            return Ok(items.to_vec());
        }
        let iterator = self.iter(iterable)?;
        let hint = self.length_hint(iterable, 0)?;
        let mut items = Vec::new();
        if items.try_reserve(hint).is_err() {
            return Err(self.memory_error());
        }
        while let Some(item) = self.next(&iterator)? {
            if items.len() == items.capacity() && items.try_reserve(1).is_err() {
                return Err(self.memory_error());
            }
            items.push(item);
        }
        Ok(items)
    }
}
