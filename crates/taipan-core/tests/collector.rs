//! The collector and weak references, on objects with a payload of this file and on classes.

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, Once};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{Str, name, new_str};
use taipan_core::tuple_object::{Tuple, new_tuple};
use taipan_core::weakref::{self, WeakRef};
use taipan_core::{
    Args, Hooks, Interpreter, Layout, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, class, gc, instance, vm,
};

/// An object with a name and references; its finaliser logs the name and may resurrect it.
struct Node {
    label: &'static str,
    edges: Mutex<Vec<Value>>,
    resurrect: bool,
}

static NODE: TypeObject = Type::declare("Node");
static LOGGER: TypeObject = Type::declare("Logger");

// SAFETY: reports all edges.
unsafe impl Payload for Node {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &NODE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(&*self.edges.lock().expect("no panic under the lock"));
    }
    fn clear(&self, out: &mut Vec<Value>) {
        out.append(&mut self.edges.lock().expect("no panic under the lock"));
    }
}

/// A callable that logs how it is called.
struct Logger(&'static str);

// SAFETY: no references.
unsafe impl Payload for Logger {
    fn type_object() -> &'static TypeObject {
        &LOGGER
    }
}

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static MAKER: Cell<bool> = const { Cell::new(false) };
    static SAVED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

fn log(text: impl Into<String>) {
    LOG.with(|log| log.borrow_mut().push(text.into()));
}

fn taken_log() -> Vec<String> {
    LOG.with(|log| std::mem::take(&mut *log.borrow_mut()))
}

fn node_finalize(_vm: &mut Vm, object: &Value) {
    let node = object.expect::<Node>();
    if !node.label.is_empty() {
        log(format!("del {}", node.label));
    }
    if node.label == "maker" && MAKER.with(Cell::take) {
        let child = Node {
            label: "",
            edges: Mutex::default(),
            resurrect: false,
        };
        SAVED.with(|saved| {
            saved
                .borrow_mut()
                .push(alloc::new_instance(object.type_of(), child))
        });
    }
    if node.resurrect {
        SAVED.with(|saved| saved.borrow_mut().push(object.clone()));
    }
}

fn logger_call(_vm: &mut Vm, logger: &Value, args: Args<'_>) -> Py {
    let dead = args.pos().iter().all(|arg| {
        arg.cast::<WeakRef>()
            .is_none_or(|reference| reference.is_dead())
    });
    log(format!("call {} dead={dead}", logger.expect::<Logger>().0));
    Ok(Value::none())
}

static NODE_SPEC: TypeSpec = TypeSpec {
    name: "Node",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(const { &Layout::of::<Node>() }),
    slots: Slots {
        finalize: Some(node_finalize),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};
static LOGGER_SPEC: TypeSpec = TypeSpec {
    name: "Logger",
    layout: Some(const { &Layout::of::<Logger>() }),
    slots: Slots {
        call: Some(logger_call),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};
static STR_SPEC: TypeSpec = TypeSpec {
    name: "str",
    flags: TypeFlags::STR_SUBCLASS,
    layout: Some(const { &Layout::variable::<Str>() }),
    ..TypeSpec::DEFAULT
};
static TUPLE_SPEC: TypeSpec = TypeSpec {
    name: "tuple",
    flags: TypeFlags::TUPLE_SUBCLASS,
    layout: Some(const { &Layout::variable::<Tuple>() }),
    ..TypeSpec::DEFAULT
};
static DICT_SPEC: TypeSpec = TypeSpec {
    name: "dict",
    flags: TypeFlags::DICT_SUBCLASS,
    layout: Some(const { &Layout::of::<Dict>() }),
    ..TypeSpec::DEFAULT
};
static NONE_SPEC: TypeSpec = TypeSpec {
    name: "NoneType",
    ..TypeSpec::DEFAULT
};
static BOOL_SPEC: TypeSpec = TypeSpec {
    name: "bool",
    ..TypeSpec::DEFAULT
};

fn define() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        taipan_core::object_methods::define();
        taipan_core::type_methods::define();
        types::STR.define(&STR_SPEC);
        types::TUPLE.define(&TUPLE_SPEC);
        types::DICT.define(&DICT_SPEC);
        types::NONE_TYPE.define(&NONE_SPEC);
        types::BOOL.define(&BOOL_SPEC);
        types::NOT_IMPLEMENTED_TYPE.define(&NONE_SPEC);
        types::ELLIPSIS_TYPE.define(&NONE_SPEC);
        taipan_core::singletons::define();
        taipan_core::descriptor::define();
        taipan_core::method::define();
        weakref::define();
        NODE.define(&NODE_SPEC);
        LOGGER.define(&LOGGER_SPEC);
    });
}

fn hooks() -> Hooks {
    Hooks {
        safepoint: |vm| {
            gc::maybe_collect(vm);
            Ok(())
        },
        unraisable: |_, exception, doing, _| log(format!("{doing}: {exception:?}")),
        frame: |_, _| Ok(None),
        sequence_iterator: |vm, object| Err(vm.type_error(format!("{object:?}"))),
        generic_alias: |_, class, _| Ok(class.clone()),
        mapping_proxy: |_, dict| Ok(dict.clone()),
        python_buffer: |vm, object, _| Err(vm.type_error(format!("{object:?}"))),
        buffer_method: |_, buffer| Ok(buffer.owner.clone()),
        release_method: |_, _, _| Ok(Value::none()),
        warn: |_, _, _, _| Ok(()),
        typing: |vm, name| Err(vm.type_error(name)),
    }
}

fn start() -> Vm {
    define();
    vm::attach(Interpreter::create(hooks()), 1 << 20)
}

fn node(label: &'static str) -> Value {
    alloc::new_object(Node {
        label,
        edges: Mutex::default(),
        resurrect: false,
    })
}

fn link(from: &Value, to: &Value) {
    from.expect::<Node>()
        .edges
        .lock()
        .expect("no panic under the lock")
        .push(to.clone());
}

fn unlink(from: &Value) {
    let edges = std::mem::take(
        &mut *from
            .expect::<Node>()
            .edges
            .lock()
            .expect("no panic under the lock"),
    );
    drop(edges);
}

fn collect(vm: &mut Vm) -> usize {
    match gc::collect(vm, 2) {
        Ok(count) => count,
        Err(_) => panic!("a collection does not fail"),
    }
}

#[test]
fn cycles_are_found_and_finalised_once() {
    let mut vm = start();
    let (a, b) = (node("a"), node("b"));
    link(&a, &b);
    link(&b, &a);
    let kept = node("kept");
    link(&kept, &kept);
    gc::verify_counts(&mut vm).expect("counts agree");
    drop((a, b));
    assert!(taken_log().is_empty());
    assert_eq!(collect(&mut vm), 2);
    assert_eq!(taken_log(), ["del a", "del b"]);
    assert_eq!(collect(&mut vm), 0);
    unlink(&kept);
    drop(kept);
    assert_eq!(taken_log(), ["del kept"]);
    assert_eq!(
        gc::objects(&mut vm, None)
            .iter()
            .filter(|object| object.is_exact(&NODE))
            .count(),
        0
    );
}

#[test]
fn what_a_live_object_reaches_stays() {
    let mut vm = start();
    let root = node("root");
    let inner = node("inner");
    link(&root, &inner);
    link(&inner, &inner);
    let tuple = new_tuple([inner.clone(), Value::int(1)]);
    let inert = new_tuple([Value::int(1), new_str("x")]);
    drop(inner);
    assert_eq!(collect(&mut vm), 0);
    assert!(gc::is_tracked(&tuple) && !gc::is_tracked(&inert));
    assert!(
        gc::objects(&mut vm, Some(0)).is_empty(),
        "all have seen a collection"
    );
    let first = gc::referents(&mut vm, &root)[0].clone();
    let referrers = gc::referrers(&mut vm, &[first]);
    assert_eq!(referrers.len(), 3, "root, the object itself, the tuple");
    drop(referrers);
    drop(root);
    assert_eq!(taken_log(), ["del root"]);
    drop(tuple);
    assert_eq!(collect(&mut vm), 1);
    assert_eq!(taken_log(), ["del inner"]);
}

#[test]
fn resurrection_saves_what_is_reachable_from_the_resurrected() {
    let mut vm = start();
    let phoenix = alloc::new_object(Node {
        label: "phoenix",
        edges: Mutex::default(),
        resurrect: true,
    });
    let (held, lost) = (node("held"), node("lost"));
    link(&phoenix, &held);
    link(&held, &phoenix);
    link(&lost, &phoenix);
    link(&lost, &lost);
    drop((phoenix, held, lost));
    assert_eq!(collect(&mut vm), 1, "only 'lost' is freed");
    let mut log = taken_log();
    log.sort();
    assert_eq!(log, ["del held", "del lost", "del phoenix"]);
    let saved = SAVED
        .with(|saved| saved.borrow_mut().pop())
        .expect("resurrected");
    assert!(gc::is_finalized(&saved));
    assert_eq!(
        saved.expect::<Node>().edges.lock().expect("no panic").len(),
        1,
        "whole"
    );
    drop(saved);
    assert_eq!(
        collect(&mut vm),
        2,
        "garbage again, and no finaliser runs twice"
    );
    assert!(taken_log().is_empty());
}

#[test]
fn weak_references_are_cleared_before_callbacks_newest_first() {
    let mut vm = start();
    let target = node("target");
    let plain = weakref::new_ref(&mut vm, &target, None).expect("weakly referenceable");
    let again = weakref::new_ref(&mut vm, &target, None).expect("weakly referenceable");
    assert!(plain.is(&again), "a reference without callback is shared");
    let first = alloc::new_object(Logger("first"));
    let second = alloc::new_object(Logger("second"));
    let gone = alloc::new_object(Logger("gone"));
    let refs: Vec<Value> = [first, second]
        .map(|callback| {
            weakref::new_ref(&mut vm, &target, Some(callback)).expect("weakly referenceable")
        })
        .into();
    drop(weakref::new_ref(&mut vm, &target, Some(gone)).expect("weakly referenceable"));
    let proxy = weakref::new_proxy(&mut vm, &target, None).expect("weakly referenceable");
    assert_eq!(weakref::count(&target), 4);
    assert!(
        weakref::references(&target)[0].is(&plain) && weakref::references(&target)[1].is(&proxy)
    );
    assert!(
        weakref::get(plain.expect::<WeakRef>())
            .expect("alive")
            .is(&target)
    );
    drop(target);
    assert_eq!(
        taken_log(),
        [
            "del target",
            "call second dead=true",
            "call first dead=true"
        ]
    );
    assert!(plain.expect::<WeakRef>().is_dead());
    drop(refs);
    // The finaliser has run when references are cleared; a resurrected object keeps them.
    let phoenix = alloc::new_object(Node {
        label: "phoenix",
        edges: Mutex::default(),
        resurrect: true,
    });
    let reference = weakref::new_ref(&mut vm, &phoenix, None).expect("weakly referenceable");
    drop(phoenix);
    assert!(!reference.expect::<WeakRef>().is_dead());
    SAVED.with(|saved| saved.borrow_mut().clear());
    assert!(reference.expect::<WeakRef>().is_dead());
}

#[test]
fn weak_references_to_garbage() {
    let mut vm = start();
    let (a, b) = (node("a"), node(""));
    link(&a, &b);
    link(&b, &a);
    let outside = weakref::new_ref(&mut vm, &a, Some(alloc::new_object(Logger("outside"))))
        .expect("possible");
    let inside =
        weakref::new_ref(&mut vm, &a, Some(alloc::new_object(Logger("inside")))).expect("possible");
    link(&b, &inside);
    drop((a, b, inside));
    assert_eq!(collect(&mut vm), 3);
    assert_eq!(
        taken_log(),
        ["call outside dead=true", "del a"],
        "no callback of a reference that is garbage itself"
    );
    assert!(outside.expect::<WeakRef>().is_dead());
}

#[test]
fn long_chains_die_without_recursion() {
    let mut vm = start();
    let mut head = node("");
    for _ in 0..1_000_000 {
        let next = node("");
        link(&next, &head);
        head = next;
    }
    assert_eq!(collect(&mut vm), 0, "marking does not recurse either");
    drop(head);
    let mut ring = node("");
    let first = ring.clone();
    for _ in 0..1_000_000 {
        let next = node("");
        link(&next, &ring);
        ring = next;
    }
    link(&first, &ring);
    drop((first, ring));
    assert_eq!(collect(&mut vm), 1_000_001);
    assert!(
        gc::objects(&mut vm, None)
            .iter()
            .all(|object| !object.is_exact(&NODE))
    );
}

#[test]
fn frozen_objects_are_left_alone() {
    let mut vm = start();
    let a = node("");
    link(&a, &a);
    drop(a);
    vm.interpreter().gc.freeze();
    assert!(vm.interpreter().gc.freeze_count() > 0);
    assert_eq!(collect(&mut vm), 0);
    vm.interpreter().gc.unfreeze();
    assert_eq!(collect(&mut vm), 1);
    assert_eq!(vm.interpreter().gc.freeze_count(), 0);
}

#[test]
fn collections_start_by_themselves() {
    let mut vm = start();
    let collector = &vm.interpreter().gc;
    for _ in 0..5000 {
        let a = node("");
        link(&a, &a);
        drop(a);
        vm.safepoint().expect("nothing raises");
    }
    assert!(collector.stats()[0].collections >= 2);
    assert!(collector.stats()[0].collected >= 4000);
    collector.set_enabled(false);
    let before = collector.stats();
    for _ in 0..5000 {
        let a = node("");
        link(&a, &a);
        drop(a);
        vm.safepoint().expect("nothing raises");
    }
    assert_eq!(collector.stats(), before);
    assert!(collector.counts()[0] >= 5000);
    collector.set_enabled(true);
    drop(node(""));
    vm.safepoint().expect("nothing raises");
    assert_ne!(collector.stats(), before);
    assert!(collector.counts()[0] < 2000);
}

fn new_class(vm: &mut Vm, text: &str, base: &TypeObject) -> Value {
    let namespace = new_dict();
    match class::new_class(
        vm,
        &types::TYPE,
        &name(text),
        &[base.to_value()],
        &namespace,
        Args::NONE,
    ) {
        Ok(class) => class,
        Err(raised) => panic!("{:?}", vm.take_raised(raised)),
    }
}

#[test]
fn classes_live_as_long_as_their_instances() {
    let mut vm = start();
    collect(&mut vm);
    let base = new_class(&mut vm, "Base", &types::OBJECT);
    let derived = new_class(&mut vm, "Derived", base.expect::<Type>());
    let object = alloc::new_instance(derived.expect::<Type>(), taipan_core::payload::Empty);
    assert!(matches!(
        instance::set(&object, &name("x"), object.clone()),
        instance::Stored::Done(None)
    ));
    let reference = weakref::new_ref(&mut vm, &derived, None).expect("possible");
    drop(derived);
    assert_eq!(collect(&mut vm), 0, "the instance keeps its class");
    assert_eq!(object.type_of().name(), "Derived");
    assert_eq!(base.expect::<Type>().subclasses().len(), 1);
    gc::verify_counts(&mut vm).expect("counts agree");
    drop(object);
    assert!(collect(&mut vm) >= 2, "instance and class");
    assert!(reference.expect::<WeakRef>().is_dead());
    assert!(base.expect::<Type>().subclasses().is_empty());
    drop(base);
    assert!(collect(&mut vm) >= 1);
    let left = gc::objects(&mut vm, None)
        .iter()
        .filter(|object| object.cast::<Type>().is_some())
        .count();
    assert_eq!(left, 0);
}

#[test]
fn random_graphs_keep_exactly_what_is_reachable() {
    let mut vm = start();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..60 {
        let size = 1 + random(400);
        let nodes: Vec<Value> = (0..size).map(|_| node("")).collect();
        let mut edges = vec![Vec::new(); size];
        for _ in 0..random(3 * size) {
            let (from, to) = (random(size), random(size));
            if random(4) == 0 {
                // Through a tuple, which has nothing to clear.
                let tuple = new_tuple([nodes[to].clone()]);
                link(&nodes[from], &tuple);
            } else {
                link(&nodes[from], &nodes[to]);
            }
            edges[from].push(to);
        }
        let watches: Vec<Value> = nodes
            .iter()
            .map(|node| weakref::new_ref(&mut vm, node, None).expect("possible"))
            .collect();
        let kept = random(4);
        let roots: Vec<usize> = (0..kept).map(|_| random(size)).collect();
        let held: Vec<Value> = roots.iter().map(|root| nodes[*root].clone()).collect();
        let mut reachable = vec![false; size];
        let mut stack = roots;
        while let Some(at) = stack.pop() {
            if !std::mem::replace(&mut reachable[at], true) {
                stack.extend(&edges[at]);
            }
        }
        drop(nodes);
        gc::verify_counts(&mut vm).expect("counts agree");
        collect(&mut vm);
        for (watch, reachable) in watches.iter().zip(&reachable) {
            assert_eq!(
                !watch.expect::<WeakRef>().is_dead(),
                *reachable,
                "round {round}"
            );
        }
        drop(held);
        collect(&mut vm);
        assert!(
            watches
                .iter()
                .all(|watch| watch.expect::<WeakRef>().is_dead())
        );
    }
}

#[test]
fn an_instance_made_by_a_finaliser_keeps_its_dead_class() {
    let mut vm = start();
    let class = new_class(&mut vm, "Short", &NODE);
    let object = alloc::new_instance(
        class.expect::<Type>(),
        Node {
            label: "maker",
            edges: Mutex::default(),
            resurrect: false,
        },
    );
    link(&object, &object);
    MAKER.with(|maker| maker.set(true));
    drop((class, object));
    collect(&mut vm);
    MAKER.with(|maker| maker.set(false));
    let born = SAVED.with(|saved| saved.borrow_mut().pop()).expect("made");
    assert_eq!(born.type_of().name(), "Short");
    collect(&mut vm);
    assert_eq!(born.type_of().name(), "Short");
    drop(born);
    collect(&mut vm);
    assert_eq!(
        gc::objects(&mut vm, None)
            .iter()
            .filter(|object| object.cast::<Type>().is_some())
            .count(),
        0
    );
}
