//! Calling.

use crate::Py;
use crate::args::Args;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `callable(*args)`
    #[inline]
    pub fn call(&mut self, callable: &Value, args: &[Value]) -> Py {
        self.call_args(callable, Args::positional(args))
    }

    /// `callable()` with positional and keyword arguments.
    #[inline]
    pub fn call_args(&mut self, callable: &Value, args: Args<'_>) -> Py {
        self.check_stack()?;
        match callable.type_of().slots().call {
            Some(call) => call(self, callable, args),
            None => Err(self.not_callable(callable)),
        }
    }

    #[cold]
    pub fn not_callable(&mut self, callable: &Value) -> crate::Raised {
        let message = format!("'{}' object is not callable", callable.type_of().name());
        self.type_error(message)
    }

    /// `object.name(*args)`
    pub fn call_method(&mut self, object: &Value, name: &Value, args: &[Value]) -> Py {
        let method = self.get_attr(object, name)?;
        self.call(&method, args)
    }

    /// The attribute `name` of the object's type, not bound: how special methods are found.
    #[inline]
    pub fn lookup_special(&mut self, object: &Value, name: &Value) -> Option<Value> {
        object.type_of().lookup(self, name)
    }

    /// Calls the special method `name` of the object's type; `None` if the type has none.
    pub fn call_special(
        &mut self,
        object: &Value,
        name: &Value,
        args: &[Value],
    ) -> Py<Option<Value>> {
        let Some(method) = self.lookup_special(object, name) else {
            return Ok(None);
        };
        self.call_unbound(&method, object, args).map(Some)
    }

    /// Calls something found on `object`'s type as its method.
    pub fn call_unbound(&mut self, method: &Value, object: &Value, args: &[Value]) -> Py {
        if method
            .type_of()
            .has(crate::type_object::TypeFlags::METHOD_DESCRIPTOR)
        {
            let mut row: smallvec::SmallVec<[Value; 6]> =
                smallvec::SmallVec::with_capacity(args.len() + 1);
            row.push(object.clone());
            row.extend(args.iter().cloned());
            return self.call(method, &row);
        }
        match method.type_of().slots().descr_get {
            Some(get) => {
                let ty = object.type_of().to_value();
                let bound = get(
                    self,
                    method,
                    Some(object),
                    ty.expect::<crate::type_object::Type>(),
                )?;
                self.call(&bound, args)
            }
            None => self.call(method, args),
        }
    }

    /// `callable(x)`?
    pub fn is_callable(&self, value: &Value) -> bool {
        value.type_of().slots().call.is_some()
    }
}
