//! Comparison, hash, truth, instance tests.

use crate::Py;
use crate::builtin_types as types;
use crate::name;
use crate::slots::CompareOp;
use crate::str_object;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `a op b` as an object.
    pub fn compare(&mut self, a: &Value, b: &Value, op: CompareOp) -> Py {
        self.check_stack()?;
        let (left, right) = (a.type_of(), b.type_of());
        let mut tried_right = false;
        if !std::ptr::eq(left, right)
            && right.is_subtype(left)
            && let Some(compare) = right.slots().compare
        {
            tried_right = true;
            let result = compare(self, b, a, op.swapped())?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
        }
        if let Some(compare) = a.type_of().slots().compare {
            let result = compare(self, a, b, op)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
        }
        if !tried_right && let Some(compare) = b.type_of().slots().compare {
            let result = compare(self, b, a, op.swapped())?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
        }
        match op {
            CompareOp::Eq => Ok(Value::bool(a.is(b))),
            CompareOp::Ne => Ok(Value::bool(!a.is(b))),
            _ => {
                let message = format!(
                    "'{}' not supported between instances of '{}' and '{}'",
                    op.symbol(),
                    a.type_of().name(),
                    b.type_of().name()
                );
                Err(self.type_error(message))
            }
        }
    }

    /// `bool(a op b)`
    pub fn compare_bool(&mut self, a: &Value, b: &Value, op: CompareOp) -> Py<bool> {
        let result = self.compare(a, b, op)?;
        self.truth(&result)
    }

    /// `a is b or a == b`: how containers compare.
    #[inline]
    pub fn equal(&mut self, a: &Value, b: &Value) -> Py<bool> {
        if a.is(b) {
            return Ok(true);
        }
        if str_object::is_exact_str(a) && str_object::is_exact_str(b) {
            return Ok(str_object::str_eq(a, b));
        }
        if a.is_small_int() && b.is_small_int() {
            return Ok(false);
        }
        self.compare_bool(a, b, CompareOp::Eq)
    }

    /// `hash(value)`
    #[inline]
    pub fn hash(&mut self, value: &Value) -> Py<i64> {
        if let Some(i) = value.small_int() {
            return Ok(small_int_hash(i));
        }
        if str_object::is_exact_str(value) {
            return Ok(str_object::str_hash(value));
        }
        let class = value.type_of();
        if std::ptr::eq(class, &crate::builtin_types::TUPLE) {
            self.check_stack_while(" while hashing a tuple")?;
        } else {
            self.check_stack()?;
        }
        match class.slots().hash {
            Some(hash) => hash(self, value),
            None => {
                let message = format!("unhashable type: '{}'", value.type_of().name());
                Err(self.type_error(message))
            }
        }
    }

    /// `bool(value)`
    #[inline]
    pub fn truth(&mut self, value: &Value) -> Py<bool> {
        if value.is_true() {
            return Ok(true);
        }
        if value.is_false() || value.is_none() {
            return Ok(false);
        }
        if let Some(i) = value.small_int() {
            return Ok(i != 0);
        }
        self.check_stack()?;
        let slots = value.type_of().slots();
        if let Some(truth) = slots.bool {
            return truth(self, value);
        }
        match slots.len {
            Some(len) => Ok(len(self, value)? != 0),
            None => Ok(true),
        }
    }

    /// `isinstance(object, class)`: `class` may be a type, a tuple, a union, or anything with `__instancecheck__`.
    pub fn is_instance(&mut self, object: &Value, class: &Value) -> Py<bool> {
        self.check_stack()?;
        if object.type_of().to_value().is(class) {
            return Ok(true);
        }
        if class.is_exact(&types::TYPE) {
            return self.instance_by_mro(object, class);
        }
        if let Some(classes) = crate::tuple_object::items(class) {
            for class in classes {
                if self.is_instance(object, class)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match self.call_special(
            class,
            name!("__instancecheck__"),
            std::slice::from_ref(object),
        )? {
            Some(answer) => self.truth(&answer),
            None => self.instance_by_mro(object, class),
        }
    }

    /// What `type.__instancecheck__` does: by the real type, then by `__class__`.
    pub fn instance_by_mro(&mut self, object: &Value, class: &Value) -> Py<bool> {
        if let Some(ty) = class.cast::<crate::type_object::Type>() {
            if object.type_of().is_subtype(ty) {
                return Ok(true);
            }
            let claimed = self.get_attr_opt(object, name!("__class__"))?;
            return Ok(claimed
                .and_then(|claimed| {
                    claimed
                        .cast::<crate::type_object::Type>()
                        .map(|own| own.is_subtype(ty))
                })
                .unwrap_or(false));
        }
        self.check_class(
            class,
            "isinstance() arg 2 must be a type, a tuple of types, or a union",
        )?;
        match self.get_attr_opt(object, name!("__class__"))? {
            Some(claimed) => self.subclass_by_bases(&claimed, class),
            None => Ok(false),
        }
    }

    /// `issubclass(sub, class)`
    pub fn is_subclass(&mut self, sub: &Value, class: &Value) -> Py<bool> {
        self.check_stack()?;
        if class.is_exact(&types::TYPE) {
            if sub.is(class) {
                return Ok(true);
            }
            return self.subclass_by_mro(sub, class);
        }
        if let Some(classes) = crate::tuple_object::items(class) {
            for class in classes {
                if self.is_subclass(sub, class)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match self.call_special(class, name!("__subclasscheck__"), std::slice::from_ref(sub))? {
            Some(answer) => self.truth(&answer),
            None => self.subclass_by_mro(sub, class),
        }
    }

    /// What `type.__subclasscheck__` does.
    pub fn subclass_by_mro(&mut self, sub: &Value, class: &Value) -> Py<bool> {
        if let (Some(sub), Some(class)) = (
            sub.cast::<crate::type_object::Type>(),
            class.cast::<crate::type_object::Type>(),
        ) {
            return Ok(sub.is_subtype(class));
        }
        self.check_class(sub, "issubclass() arg 1 must be a class")?;
        self.check_class(
            class,
            "issubclass() arg 2 must be a class, a tuple of classes, or a union",
        )?;
        self.subclass_by_bases(sub, class)
    }

    /// Something with a tuple `__bases__` passes for a class.
    fn check_class(&mut self, class: &Value, message: &str) -> Py<()> {
        if class.cast::<crate::type_object::Type>().is_some() {
            return Ok(());
        }
        match self.get_attr_opt(class, name!("__bases__"))? {
            Some(bases) if crate::tuple_object::items(&bases).is_some() => Ok(()),
            _ => Err(self.type_error(message)),
        }
    }

    fn subclass_by_bases(&mut self, sub: &Value, class: &Value) -> Py<bool> {
        self.check_stack()?;
        if sub.is(class) {
            return Ok(true);
        }
        let Some(bases) = self.get_attr_opt(sub, name!("__bases__"))? else {
            return Ok(false);
        };
        for base in crate::tuple_object::items(&bases).unwrap_or(&[]) {
            if self.subclass_by_bases(base, class)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The hash of an immediate int: itself modulo 2**61 - 1, and -2 for -1.
#[inline]
pub fn small_int_hash(i: i64) -> i64 {
    const MODULUS: i64 = (1 << 61) - 1;
    let hash = i % MODULUS;
    if hash == -1 { -2 } else { hash }
}
