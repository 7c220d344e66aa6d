//! Dicts, sets and lists against models of the standard library, without an interpreter.

use std::collections::HashMap;
use taipan_core::dict_object::{Dict, new_dict, new_dict_with_capacity};
use taipan_core::str_object::{name, new_str};
use taipan_core::{Hooks, Interpreter, Value, Vm, vm};
use taipan_types::list::{self, Kind, List, ListExt};
use taipan_types::set;

fn attach() -> Vm {
    static DEFINED: std::sync::Once = std::sync::Once::new();
    let hooks = Hooks {
        safepoint: |_| Ok(()),
        unraisable: |_, _, _, _| {},
        frame: |_, _| Ok(None),
        sequence_iterator: taipan_types::iterators::new_sequence_iterator,
        generic_alias: taipan_types::generic_alias::generic_alias_hook,
        mapping_proxy: taipan_types::dict::proxy::new_proxy,
        typing: |_, _| Ok(Value::none()),
        python_buffer: taipan_types::python_buffer::lend,
        buffer_method: taipan_types::python_buffer::buffer_method,
        release_method: taipan_types::python_buffer::release_method,
        warn: |_, _, _, _| Ok(()),
    };
    let vm = vm::attach(Interpreter::create(hooks), 1 << 20);
    DEFINED.call_once(taipan_types::define_types);
    vm
}

/// A repeatable sequence of numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

fn int(value: Option<Value>) -> Option<i64> {
    value.and_then(|value| value.small_int())
}

fn key(strings: bool, number: u64) -> Value {
    if strings {
        new_str(&format!("key {number}"))
    } else {
        Value::int(number as i64 - 3)
    }
}

#[test]
fn dicts_keep_order() {
    let vm = &mut attach();
    let mut numbers = Numbers(1);
    for (keys, strings) in [
        (6, true),
        (6, false),
        (40, true),
        (400, false),
        (3000, true),
    ] {
        let value = new_dict();
        let dict = value.expect::<Dict>();
        let mut model: HashMap<u64, (u64, i64)> = HashMap::new();
        for step in 0..keys * 8 {
            let number = numbers.below(keys);
            let key = key(strings, number);
            match numbers.below(8) {
                0..=4 => {
                    let old = dict
                        .insert(vm, &key, Value::int(step as i64))
                        .expect("memory");
                    let order = model.get(&number).map_or(step, |row| row.0);
                    let known = model.insert(number, (order, step as i64));
                    assert_eq!(int(old), known.map(|row| row.1));
                }
                5 | 6 => {
                    let old = dict.remove(vm, &key).expect("no error");
                    assert_eq!(int(old), model.remove(&number).map(|row| row.1));
                }
                _ => {
                    let found = dict.get(vm, &key).expect("no error");
                    assert_eq!(int(found), model.get(&number).map(|row| row.1));
                }
            }
            assert_eq!(dict.len(), model.len());
        }
        let mut rows: Vec<_> = model.values().copied().collect();
        rows.sort();
        let expected: Vec<i64> = rows.iter().map(|row| row.1).collect();
        let all = |dict: &taipan_core::Obj<Dict>| -> Vec<i64> {
            dict.values()
                .into_iter()
                .filter_map(|value| value.small_int())
                .collect()
        };
        assert_eq!(all(dict), expected);
        assert_eq!(all(dict.copy(vm).expect::<Dict>()), expected);
        let mut at = dict.end();
        let mut backwards = Vec::new();
        while let Some((_, value)) = dict.prev_entry(&mut at) {
            backwards.extend(value.small_int());
        }
        backwards.reverse();
        assert_eq!(backwards, expected);
    }
}

#[test]
fn dict_capacities() {
    let vm = &mut attach();
    for capacity in (0..300).chain([1000, 5000]) {
        let value = new_dict_with_capacity(capacity);
        let dict = value.expect::<Dict>();
        for number in 0..capacity as i64 {
            dict.insert(vm, &Value::int(number), Value::none())
                .expect("memory");
        }
        assert_eq!(dict.len(), capacity);
    }
}

#[test]
fn versions_of_keys() {
    let vm = &mut attach();
    let value = new_dict();
    let dict = value.expect::<Dict>();
    assert_eq!(dict.keys_version(), 0);
    let (a, b) = (name("a"), name("b"));
    dict.set_name(&a, Value::int(1));
    let version = dict.assign_keys_version();
    let index = dict.index_of_name(&a).expect("there");
    assert_ne!(version, 0);
    dict.set_name(&a, Value::int(2));
    assert_eq!(int(dict.cached_value(version, index)), Some(2));
    dict.set_name(&b, Value::int(3));
    assert!(dict.cached_value(version, index).is_none());
    let second = dict.assign_keys_version();
    assert!(second != version && second != 0);
    dict.remove_name(&b);
    assert_eq!(dict.keys_version(), 0);
    dict.assign_keys_version();
    dict.clear(vm);
    assert_eq!(dict.keys_version(), 0);
}

#[test]
fn sets_match_a_model() {
    let vm = &mut attach();
    let mut numbers = Numbers(2);
    for keys in [4, 50, 3000] {
        let value = set::new_empty();
        let object = set::any_set(&value).expect("a set");
        let mut model = std::collections::HashSet::new();
        for _ in 0..keys * 10 {
            let number = numbers.below(keys) as i64;
            let key = Value::int(number);
            match numbers.below(3) {
                0 => assert_eq!(
                    set::discard(vm, object, &key).ok(),
                    Some(model.remove(&number))
                ),
                1 => assert_eq!(
                    set::contains(vm, object, &key).ok(),
                    Some(model.contains(&number))
                ),
                _ => assert_eq!(set::add(vm, object, &key).ok(), Some(model.insert(number))),
            }
        }
        let mut found: Vec<i64> = set::keys(vm, object)
            .into_iter()
            .filter_map(|key| key.small_int())
            .collect();
        found.sort_unstable();
        let mut expected: Vec<i64> = model.into_iter().collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn lists_choose_their_storage() {
    let vm = &mut attach();
    let kind = |vm: &mut Vm, list: &Value| list.expect::<List>().read(vm, |storage| storage.kind());
    let floats = list::new_list(vec![Value::float(1.5), Value::float(2.5)]);
    assert_eq!(kind(vm, &floats), Kind::Float);
    assert_eq!(
        list::sum_of(vm, floats.expect::<List>()).and_then(|sum| sum.small_float()),
        Some(4.0)
    );
    let ints = list::new_list(vec![Value::int(3), Value::int(-1)]);
    assert_eq!(kind(vm, &ints), Kind::Int);
    assert_eq!(int(list::min_of(vm, ints.expect::<List>())), Some(-1));
    list::extend(vm, ints.expect::<List>(), &floats).expect("memory");
    assert_eq!(kind(vm, &ints), Kind::Generic);
    let odd = list::new_list(vec![Value::float(f64::NAN)]);
    assert_eq!(kind(vm, &odd), Kind::Generic);
    floats
        .expect::<List>()
        .append(vm, Value::bool(true))
        .expect("memory");
    assert_eq!(kind(vm, &floats), Kind::Generic);
    assert!(
        floats
            .expect::<List>()
            .get(vm, 2)
            .is_some_and(|value| value.is_true())
    );
}
