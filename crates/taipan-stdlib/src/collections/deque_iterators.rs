//! The iterators of `deque`.

use super::deque::{DEQUE, item_of, state_of};
use crate::support::native_type;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Layout, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0,
};
use taipan_types::check;
use taipan_types::iterators::itself;

native_type! {
    /// Payload of the iterator.
    DEQUE_ITERATOR "collections._deque_iterator" DequeIterator { deque: Value, version: u64 }
    DequeIteratorState { at: usize, left: usize }
}

native_type! {
    /// Payload of the iterator backwards.
    DEQUE_REVERSE_ITERATOR "collections._deque_reverse_iterator" DequeReverseIterator { deque: Value, version: u64 }
    DequeReverseIteratorState { at: usize, left: usize }
}

macro_rules! deque_iterator {
    (
        $payload:ident $state:ident $ty:ident $name:literal $make:ident $backwards:literal
        $spec:ident $layout:ident $methods:ident $new:ident $next:ident $hint:ident $reduce:ident
    ) => {
        static $spec: TypeSpec = TypeSpec {
            name: concat!("collections.", $name),
            flags: TypeFlags::empty(),
            layout: Some(&$layout),
            slots: Slots {
                new: Some($new),
                iter: Some(itself),
                next: Some($next),
                ..Slots::NONE
            },
            methods: &$methods,
            ..TypeSpec::DEFAULT
        };
        static $layout: Layout = Layout::of::<$payload>();
        static $methods: [MethodDef; 2] = [
            f0(
                "__length_hint__(self, /)",
                $hint,
                "Private method returning an estimate of len(list(it)).",
            ),
            f0(
                "__reduce__(self, /)",
                $reduce,
                "Return state information for pickling.",
            ),
        ];

        /// An iterator that has passed `done` elements.
        pub(super) fn $make(vm: &mut Vm, deque: &Value, done: usize) -> Value {
            let (version, len) = state_of(vm, deque);
            let done = done.min(len);
            new_object($payload {
                deque: deque.clone(),
                version,
                state: Locked::new($state {
                    at: done,
                    left: len - done,
                }),
            })
        }

        fn $new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
            let (deque, done) = arguments(vm, $name, args)?;
            Ok($make(vm, &deque, done))
        }

        fn $next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
            let own = this.expect::<$payload>();
            let (at, left) = {
                let state = own.lock(vm);
                (state.at, state.left)
            };
            if left == 0 {
                // An iterator over an empty deque notices that it has got elements.
                let grown = at == 0 && state_of(vm, &own.deque).0 != own.version;
                return if grown {
                    Err(vm.runtime_error("deque mutated during iteration"))
                } else {
                    Ok(None)
                };
            }
            let place = if $backwards { left - 1 } else { at };
            match item_of(vm, &own.deque, own.version, place) {
                Some(item) => {
                    let mut state = own.lock(vm);
                    state.at = at + 1;
                    state.left = left - 1;
                    Ok(Some(item))
                }
                None => {
                    own.lock(vm).left = 0;
                    Err(vm.runtime_error("deque mutated during iteration"))
                }
            }
        }

        fn $hint(vm: &mut Vm, this: &Value) -> Py {
            let left = this.expect::<$payload>().lock(vm).left;
            Ok(Value::int(left as i64))
        }

        fn $reduce(vm: &mut Vm, this: &Value) -> Py {
            let own = this.expect::<$payload>();
            let at = own.lock(vm).at;
            let args = new_tuple([own.deque.clone(), Value::int(at as i64)]);
            Ok(new_tuple([$ty.to_value(), args]))
        }
    };
}

deque_iterator! {
    DequeIterator DequeIteratorState DEQUE_ITERATOR "_deque_iterator" new_iterator false
    SPEC LAYOUT METHODS new next hint reduce
}

deque_iterator! {
    DequeReverseIterator DequeReverseIteratorState DEQUE_REVERSE_ITERATOR "_deque_reverse_iterator" new_reverse_iterator true
    REVERSE_SPEC REVERSE_LAYOUT REVERSE_METHODS reverse_new reverse_next reverse_hint reverse_reduce
}

/// `(deque, index=0)`
fn arguments(vm: &mut Vm, name: &str, args: Args<'_>) -> Py<(Value, usize)> {
    check::no_keywords(vm, name, args)?;
    check::count(vm, name, args.pos().len(), 1, 2)?;
    let deque = &args.pos()[0];
    if !deque.is_instance(&DEQUE) {
        let message = format!(
            "{name}() argument 1 must be collections.deque, not {}",
            deque.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let done = match args.pos().get(1) {
        Some(index) => vm.index_i64(index)?.max(0) as usize,
        None => 0,
    };
    Ok((deque.clone(), done))
}

pub(super) fn define() {
    DEQUE_ITERATOR.define(&SPEC);
    DEQUE_REVERSE_ITERATOR.define(&REVERSE_SPEC);
}
