//! Attributes: `x.name`, `x.name = v`, `del x.name`, and what `object` does for them.

use crate::builtin_types as types;
use crate::instance::{self, Stored};
use crate::slots::GetAttrFn;
use crate::str_object::{self, is_interned, is_str};
use crate::type_methods::{type_get_attr, type_lookup};
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};

/// Number of the field `name` of `AttributeError` and `NameError`.
pub const FIELD_NAME: usize = 0;
/// Number of the field `obj` of `AttributeError`.
pub const FIELD_OBJ: usize = 1;

impl Vm {
    /// `object.name`; `name` is a string.
    #[inline]
    pub fn get_attr(&mut self, object: &Value, name: &Value) -> Py {
        let interned;
        let name = if is_interned(name) {
            name
        } else {
            interned = self.attribute_name(name)?;
            &interned
        };
        match object.type_of().slots().get_attr {
            Some(get) => {
                self.check_stack()?;
                get(self, object, name)
            }
            None => generic_get_attr(self, object, name),
        }
    }

    /// `object.name` for a name in Rust code.
    pub fn get_attr_str(&mut self, object: &Value, name: &str) -> Py {
        let name = str_object::name(name);
        self.get_attr(object, &name)
    }

    /// `getattr(object, name, None)`: an `AttributeError` becomes `None`, and is not even made if `object` looks attributes up
    /// the plain way.
    pub fn get_attr_opt(&mut self, object: &Value, name: &Value) -> Py<Option<Value>> {
        let name = self.attribute_name(name)?;
        let get = object.type_of().slots().get_attr;
        let is = |plain: GetAttrFn| get.is_some_and(|get| get as usize == plain as usize);
        let lookup = if get.is_none() || is(generic_get_attr) {
            Some(generic_lookup as fn(&mut Vm, &Value, &Value) -> Py<Option<Value>>)
        } else if is(type_get_attr) {
            Some(type_lookup as _)
        } else {
            None
        };
        if let Some(lookup) = lookup {
            // A descriptor may raise `AttributeError` by itself.
            return match lookup(self, object, &name) {
                Ok(found) => Ok(found),
                Err(raised) => {
                    self.catch(raised, &types::ATTRIBUTE_ERROR)?;
                    Ok(None)
                }
            };
        }
        let found = match self.lacks_attr(object, &name) {
            Ok(true) => return Ok(None),
            Ok(false) => self.get_attr(object, &name),
            Err(raised) => Err(raised),
        };
        match found {
            Ok(value) => Ok(Some(value)),
            Err(raised) => {
                self.catch(raised, &types::ATTRIBUTE_ERROR)?;
                Ok(None)
            }
        }
    }

    /// Is it certain that a module has no such attribute? They are asked for what they do not have all the time, and making the
    /// error takes longer than the search.
    fn lacks_attr(&mut self, object: &Value, name: &Value) -> Py<bool> {
        if !std::ptr::eq(object.type_of(), &types::MODULE) {
            return Ok(false);
        }
        Ok(generic_lookup(self, object, name)?.is_none()
            && generic_lookup(self, object, crate::name!("__getattr__"))?.is_none())
    }

    /// `object.name = value`, or `del object.name` for `None`.
    #[inline]
    pub fn set_attr(&mut self, object: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
        let interned;
        let name = if is_interned(name) {
            name
        } else {
            interned = self.attribute_name(name)?;
            &interned
        };
        match object.type_of().slots().set_attr {
            Some(set) => {
                self.check_stack()?;
                set(self, object, name, value)
            }
            None => generic_set_attr(self, object, name, value),
        }
    }

    /// `object.name = value` for a name in Rust code.
    pub fn set_attr_str(&mut self, object: &Value, name: &str, value: &Value) -> Py<()> {
        let name = str_object::name(name);
        self.set_attr(object, &name, Some(value))
    }

    /// Checks and interns an attribute name.
    pub fn attribute_name(&mut self, name: &Value) -> Py {
        if !is_str(name) {
            let message = format!(
                "attribute name must be string, not '{}'",
                name.type_of().name()
            );
            return Err(self.type_error(message));
        }
        if str_object::is_exact_str(name) {
            return Ok(str_object::intern(name));
        }
        match str_object::str_of(name).and_then(|text| str_object::new_str_of(&types::STR, text)) {
            Some(copy) => Ok(str_object::intern(&copy)),
            None => Err(self.memory_error()),
        }
    }

    /// `AttributeError` in CPython's words, with `name` and `obj` set.
    #[cold]
    pub fn no_attribute(&mut self, object: &Value, name: &Value) -> Raised {
        let text = str_object::str_of(name)
            .map(|text| text.to_lossy())
            .unwrap_or_default();
        let message = match object.cast::<crate::type_object::Type>() {
            Some(ty) => format!("type object '{}' has no attribute '{text}'", ty.name()),
            None => format!(
                "'{}' object has no attribute '{text}'",
                object.type_of().name()
            ),
        };
        self.attribute_error_for(object, name, &message)
    }

    /// `AttributeError(message)` with `name` and `obj` set.
    #[cold]
    pub fn attribute_error_for(&mut self, object: &Value, name: &Value, message: &str) -> Raised {
        let raised = self.attribute_error(message);
        if !self.pending_is(&types::ATTRIBUTE_ERROR) {
            return raised;
        }
        let exception = self.take_raised(raised);
        crate::exception::set_field(self, &exception, FIELD_NAME, Some(name.clone()));
        crate::exception::set_field(self, &exception, FIELD_OBJ, Some(object.clone()));
        self.set_pending(exception)
    }
}

/// `object.__getattribute__`: data descriptors of the type, the instance's own attributes, then the rest of the type.
pub fn generic_get_attr(vm: &mut Vm, object: &Value, name: &Value) -> Py {
    match generic_lookup(vm, object, name)? {
        Some(value) => Ok(value),
        None => Err(vm.no_attribute(object, name)),
    }
}

/// `generic_get_attr` without the exception if there is no such attribute.
#[inline]
pub fn generic_lookup(vm: &mut Vm, object: &Value, name: &Value) -> Py<Option<Value>> {
    let ty = object.type_of();
    let found = ty.lookup(vm, name);
    if let Some(descriptor) = &found {
        let slots = descriptor.type_of().slots();
        if let (Some(get), Some(_)) = (slots.descr_get, slots.descr_set) {
            return get_through(vm, get, descriptor, object, ty);
        }
    }
    if let Some(value) = instance::get(object, name) {
        return Ok(Some(value));
    }
    match found {
        Some(descriptor) => match descriptor.type_of().slots().descr_get {
            Some(get) => get_through(vm, get, &descriptor, object, ty),
            None => Ok(Some(descriptor)),
        },
        None => Ok(None),
    }
}

/// Runs a descriptor's `__get__`; an `AttributeError` from it is an error as any other.
fn get_through(
    vm: &mut Vm,
    get: crate::slots::DescrGetFn,
    descriptor: &Value,
    object: &Value,
    ty: &TypeObject,
) -> Py<Option<Value>> {
    vm.check_stack()?;
    get(vm, descriptor, Some(object), ty).map(Some)
}

/// `object.__setattr__` and `object.__delattr__`.
pub fn generic_set_attr(
    vm: &mut Vm,
    object: &Value,
    name: &Value,
    value: Option<&Value>,
) -> Py<()> {
    let found = object.type_of().lookup(vm, name);
    if let Some(descriptor) = &found
        && let Some(set) = descriptor.type_of().slots().descr_set
    {
        return set(vm, descriptor, object, value);
    }
    let Some(value) = value else {
        return match instance::delete(object, name) {
            Some(_) => Ok(()),
            None if found.is_some() && !instance::has_dict(object) => {
                Err(read_only(vm, object, name))
            }
            None => Err(vm.no_attribute(object, name)),
        };
    };
    match instance::set(object, name, value.clone()) {
        Stored::Done(old) => {
            drop(old);
            Ok(())
        }
        Stored::InDict(dict) => {
            dict.expect::<crate::dict_object::Dict>()
                .insert(vm, name, value.clone())?;
            Ok(())
        }
        Stored::NoDict if found.is_some() => Err(read_only(vm, object, name)),
        Stored::NoDict => {
            let text = str_object::str_of(name)
                .map(|text| text.to_lossy())
                .unwrap_or_default();
            let message = format!(
                "'{}' object has no attribute '{text}' and no __dict__ for setting new attributes",
                object.type_of().name()
            );
            Err(vm.attribute_error_for(object, name, &message))
        }
    }
}

#[cold]
fn read_only(vm: &mut Vm, object: &Value, name: &Value) -> Raised {
    let text = str_object::str_of(name)
        .map(|text| text.to_lossy())
        .unwrap_or_default();
    let message = format!(
        "'{}' object attribute '{text}' is read-only",
        object.type_of().name()
    );
    vm.attribute_error_for(object, name, &message)
}
