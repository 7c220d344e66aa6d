//! How an object names its type: a pointer, or a word that indexes a table of shapes.
#![expect(
    clippy::vec_box,
    reason = "each object is a block of its own, as in an interpreter"
)]

use crate::Variant;
use std::hint::black_box;

const LEN: usize = 2048;
const PASSES: usize = 32;
const OPERATIONS: usize = LEN * PASSES;
const SHAPES: usize = 64;

/// What a type may be asked for.
struct Type {
    slot: u64,
    version: u32,
}

/// 24 bytes: count, type, layout of the attributes.
#[repr(C)]
struct WithPointer {
    counts: u64,
    kind: &'static Type,
    keys: u64,
    payload: u64,
}

/// 16 bytes: shape word, counts and the rest.
#[repr(C)]
struct WithShape {
    shape: u32,
    local: u32,
    rest: u64,
    payload: u64,
}

fn types() -> &'static [Type] {
    Vec::leak(
        (0..SHAPES)
            .map(|i| Type {
                slot: i as u64,
                version: i as u32 + 1,
            })
            .collect(),
    )
}

fn pointers(types: &'static [Type], mixed: bool) -> Vec<Box<WithPointer>> {
    let kind = |i: usize| &types[if mixed { i * 7 % SHAPES } else { 3 }];
    (0..LEN)
        .map(|i| {
            Box::new(WithPointer {
                counts: 1,
                kind: kind(i),
                keys: 9,
                payload: i as u64,
            })
        })
        .collect()
}

fn shapes(mixed: bool) -> Vec<Box<WithShape>> {
    let shape = |i: usize| (if mixed { i * 7 % SHAPES } else { 3 }) as u32;
    (0..LEN)
        .map(|i| {
            Box::new(WithShape {
                shape: shape(i),
                local: 1,
                rest: 0,
                payload: i as u64,
            })
        })
        .collect()
}

pub fn test_variants() -> Vec<Variant> {
    let objects = shapes(false);
    let by_shape = move || {
        let (expected, mut sum) = (black_box(3u32), 0u64);
        for _ in 0..PASSES {
            for object in &objects {
                let object = black_box(object);
                if object.shape == expected {
                    sum += object.payload;
                }
            }
        }
        sum + u64::from(objects[0].local) + objects[0].rest
    };
    let all = types();
    let objects = pointers(all, false);
    let by_pointer = move || {
        let (expected, mut sum) = (black_box(&all[3]), 0u64);
        for _ in 0..PASSES {
            for object in &objects {
                let object = black_box(object);
                if std::ptr::eq(object.kind, expected) {
                    sum += object.payload;
                }
            }
        }
        sum + objects[0].counts
    };
    // What an attribute cache needs where types change and instances have layouts: version of the type, keys of the object.
    let objects = pointers(all, false);
    let by_version = move || {
        let (version, keys, mut sum) = (black_box(4u32), black_box(9u64), 0u64);
        for _ in 0..PASSES {
            for object in &objects {
                let object = black_box(object);
                if object.kind.version == version && object.keys == keys {
                    sum += object.payload;
                }
            }
        }
        sum + objects[0].counts
    };
    vec![
        Variant::new(
            "shape word: type and layout at once (Taipan)",
            OPERATIONS,
            by_shape,
        ),
        Variant::new("type pointer: type only", OPERATIONS, by_pointer),
        Variant::new(
            "type pointer, version, keys: type and layout",
            OPERATIONS,
            by_version,
        ),
    ]
}

pub fn lookup_variants() -> Vec<Variant> {
    let all = types();
    let objects = shapes(true);
    let table: &'static [&'static Type] = Vec::leak(all.iter().collect());
    let through_table = move || {
        let mut sum = 0u64;
        for _ in 0..PASSES {
            for object in &objects {
                sum += table[black_box(object).shape as usize].slot;
            }
        }
        sum
    };
    let objects = pointers(all, true);
    let direct = move || {
        let mut sum = 0u64;
        for _ in 0..PASSES {
            for object in &objects {
                sum += black_box(object).kind.slot;
            }
        }
        sum
    };
    vec![
        Variant::new(
            "shape word, table, type (Taipan)",
            OPERATIONS,
            through_table,
        ),
        Variant::new("type pointer", OPERATIONS, direct),
    ]
}
