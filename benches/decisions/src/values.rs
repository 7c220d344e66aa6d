//! Arithmetic and pointers in several encodings of values.
//!
//! Words lie in an array and the accumulator is kept as a word too, as on an interpreter's stack: each step tests, decodes, computes,
//! encodes. `black_box` hides the accumulator between steps, because an interpreter cannot keep it decoded either.
#![expect(
    clippy::vec_box,
    reason = "each object is a block of its own, as in an interpreter"
)]

use crate::Variant;
use std::hint::black_box;
use std::mem::{forget, replace};
use taipan_core::Value;

const LEN: usize = 4096;
const PASSES: usize = 16;
const OPERATIONS: usize = LEN * PASSES;

fn numbers() -> Vec<f64> {
    (0..LEN)
        .map(|i| (i as f64) * 0.37 - (LEN as f64) * 0.1)
        .collect()
}

/// NaN-boxing with doubles as they are: pointers and ints lie in the space of the NaNs.
mod nan {
    pub const INT: u64 = 0xfff9 << 48;
    pub const POINTER: u64 = 0xfffa << 48;
    pub const TAG: u64 = 0xffff << 48;

    #[inline(always)]
    pub fn float(word: u64) -> Option<f64> {
        if word < INT {
            Some(f64::from_bits(word))
        } else {
            None
        }
    }

    #[inline(always)]
    pub fn from_float(x: f64) -> u64 {
        if x.is_nan() {
            0x7ff8 << 48
        } else {
            x.to_bits()
        }
    }

    #[inline(always)]
    pub fn int(word: u64) -> Option<i32> {
        if word & TAG == INT {
            Some(word as i32)
        } else {
            None
        }
    }

    #[inline(always)]
    pub fn from_int(i: i32) -> u64 {
        INT | u64::from(i as u32)
    }
}

/// A box as the slides draw it: count, type, double.
struct FloatBox {
    count: u64,
    kind: u64,
    value: f64,
}

const FLOAT_KIND: u64 = 7;

/// Boxes from the allocator, or from a list of free boxes as CPython keeps one.
struct Boxes {
    free: Vec<Box<FloatBox>>,
    keep: bool,
}

impl Boxes {
    #[inline(always)]
    fn make(&mut self, value: f64) -> Box<FloatBox> {
        if let Some(mut old) = self.free.pop() {
            old.value = value;
            old.count = 1;
            return old;
        }
        Box::new(FloatBox {
            count: 1,
            kind: FLOAT_KIND,
            value,
        })
    }

    #[inline(always)]
    fn give_back(&mut self, mut old: Box<FloatBox>) {
        old.count -= 1;
        if old.count == 0 && self.keep {
            self.free.push(old);
        }
    }
}

pub fn float_variants() -> Vec<Variant> {
    let tagged: Vec<Value> = numbers().into_iter().map(Value::float).collect();
    let self_tagging = move || {
        let mut sum = Value::float(0.0);
        let factor = black_box(Value::float(0.999));
        for _ in 0..PASSES {
            for x in &tagged {
                let (Some(a), Some(f), Some(b)) =
                    (sum.small_float(), factor.small_float(), x.small_float())
                else {
                    continue;
                };
                let product = black_box(Value::float(a * f));
                let p = product.small_float();
                // Known to be immediate: no count to give back.
                forget(product);
                let Some(p) = p else { continue };
                forget(replace(&mut sum, black_box(Value::float(p + b))));
            }
        }
        sum.bits()
    };
    let words: Vec<u64> = numbers().into_iter().map(nan::from_float).collect();
    let nan_boxing = move || {
        let mut sum = nan::from_float(0.0);
        let factor = black_box(nan::from_float(0.999));
        for _ in 0..PASSES {
            for &x in &words {
                let (Some(a), Some(f), Some(b)) =
                    (nan::float(sum), nan::float(factor), nan::float(x))
                else {
                    continue;
                };
                let product = black_box(nan::from_float(a * f));
                let Some(p) = nan::float(product) else {
                    continue;
                };
                sum = black_box(nan::from_float(p + b));
            }
        }
        sum
    };
    vec![
        Variant::new("self-tagged (Taipan)", OPERATIONS, self_tagging),
        Variant::new("NaN-boxed", OPERATIONS, nan_boxing),
        Variant::new("boxed, free list", OPERATIONS, boxed_floats(true)),
        Variant::new("boxed, allocator", OPERATIONS, boxed_floats(false)),
    ]
}

fn boxed_floats(keep: bool) -> impl FnMut() -> u64 {
    let mut boxes = Boxes {
        free: Vec::with_capacity(16),
        keep,
    };
    let items: Vec<Box<FloatBox>> = numbers()
        .into_iter()
        .map(|value| {
            Box::new(FloatBox {
                count: 1,
                kind: FLOAT_KIND,
                value,
            })
        })
        .collect();
    move || {
        let mut sum = boxes.make(0.0);
        let factor = black_box(boxes.make(0.999));
        for _ in 0..PASSES {
            for x in &items {
                if sum.kind != FLOAT_KIND || factor.kind != FLOAT_KIND || x.kind != FLOAT_KIND {
                    continue;
                }
                let product = black_box(boxes.make(sum.value * factor.value));
                boxes.give_back(sum);
                sum = black_box(boxes.make(product.value + x.value));
                boxes.give_back(product);
            }
        }
        let bits = sum.value.to_bits();
        boxes.give_back(sum);
        boxes.give_back(factor);
        bits
    }
}

/// Products of two arrays, all kept: nothing waits for the result before.
pub fn product_variants() -> Vec<Variant> {
    let tagged: Vec<Value> = numbers().into_iter().map(Value::float).collect();
    let mut out: Vec<Value> = numbers().into_iter().map(Value::float).collect();
    let self_tagging = move || {
        for _ in 0..PASSES {
            for ((a, b), out) in tagged.iter().zip(tagged.iter().rev()).zip(&mut out) {
                if let (Some(a), Some(b)) = (a.small_float(), b.small_float()) {
                    forget(replace(out, Value::float(black_box(a * b))));
                }
            }
        }
        out[7].bits()
    };
    let words: Vec<u64> = numbers().into_iter().map(nan::from_float).collect();
    let mut out = words.clone();
    let nan_boxing = move || {
        for _ in 0..PASSES {
            for ((&a, &b), out) in words.iter().zip(words.iter().rev()).zip(&mut out) {
                if let (Some(a), Some(b)) = (nan::float(a), nan::float(b)) {
                    *out = nan::from_float(black_box(a * b));
                }
            }
        }
        out[7]
    };
    vec![
        Variant::new("self-tagged (Taipan)", OPERATIONS, self_tagging),
        Variant::new("NaN-boxed", OPERATIONS, nan_boxing),
        Variant::new("boxed, free list", OPERATIONS, boxed_products(true)),
        Variant::new("boxed, allocator", OPERATIONS, boxed_products(false)),
    ]
}

fn boxed_products(keep: bool) -> impl FnMut() -> u64 {
    let boxed = |value| {
        Box::new(FloatBox {
            count: 1,
            kind: FLOAT_KIND,
            value,
        })
    };
    let mut boxes = Boxes {
        free: Vec::with_capacity(LEN),
        keep,
    };
    let items: Vec<Box<FloatBox>> = numbers().into_iter().map(boxed).collect();
    let mut out: Vec<Box<FloatBox>> = numbers().into_iter().map(boxed).collect();
    move || {
        for _ in 0..PASSES {
            for ((a, b), out) in items.iter().zip(items.iter().rev()).zip(&mut out) {
                if a.kind == FLOAT_KIND && b.kind == FLOAT_KIND {
                    let old = replace(out, boxes.make(black_box(a.value * b.value)));
                    boxes.give_back(old);
                }
            }
        }
        out[7].value.to_bits()
    }
}

pub fn int_variants() -> Vec<Variant> {
    let tagged: Vec<Value> = (0..LEN as i64).map(|i| Value::int(i * 3 - 5000)).collect();
    let low_tag = move || {
        let mut sum = Value::int(0);
        for _ in 0..PASSES {
            for x in &tagged {
                if let Some(next) = sum.add_small_ints(x) {
                    forget(replace(&mut sum, black_box(next)));
                }
            }
        }
        sum.bits()
    };
    let words: Vec<u64> = (0..LEN as i32)
        .map(|i| nan::from_int(i * 3 - 5000))
        .collect();
    let nan_boxing = move || {
        let mut sum = nan::from_int(0);
        for _ in 0..PASSES {
            for &x in &words {
                let (Some(a), Some(b)) = (nan::int(sum), nan::int(x)) else {
                    continue;
                };
                // On overflow a double or a heap integer would take over; here the sum starts again.
                sum = black_box(nan::from_int(a.checked_add(b).unwrap_or(0)));
            }
        }
        sum
    };
    vec![
        Variant::new("62 bits, low tag (Taipan)", OPERATIONS, low_tag),
        Variant::new("32 bits, NaN-boxed", OPERATIONS, nan_boxing),
    ]
}

/// A link of a chain.
struct Link {
    next: u64,
}

pub fn pointer_variants() -> Vec<Variant> {
    vec![
        Variant::new("raw pointer, low bits clear (Taipan)", OPERATIONS, chain(0)),
        Variant::new("NaN-boxed pointer", OPERATIONS, chain(nan::POINTER)),
    ]
}

/// A ring of links within the first-level cache, in an order that the prefetcher cannot guess.
fn chain(tag: u64) -> impl FnMut() -> u64 {
    const RING: usize = 512;
    let links: &'static mut [Link] = Vec::leak((0..RING).map(|_| Link { next: 0 }).collect());
    let base = links.as_ptr() as u64;
    let word = move |i: usize| (base + (i * size_of::<Link>()) as u64) | tag;
    for (i, link) in links.iter_mut().enumerate() {
        link.next = word((i * 5 + 1) % RING);
    }
    let start = word(0);
    move || {
        let mut at = start;
        for _ in 0..OPERATIONS {
            let pointer = if tag == 0 {
                if at & 0b111 != 0 {
                    break;
                }
                at
            } else {
                if at & nan::TAG != nan::POINTER {
                    break;
                }
                at & !nan::TAG
            };
            // SAFETY: all words are addresses of the leaked links.
            at = unsafe { &*(pointer as *const Link) }.next;
        }
        at
    }
}
