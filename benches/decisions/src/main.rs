//! The figures behind `docs/decisions/`: small loops over the variants of a design, in turns, in one process.
//!
//! `cargo run --release -p taipan-decisions [rounds]` prints, per variant, the best and the median time of one operation
//! over all rounds, and the ratio of the best times to that of the first variant of its group.

mod counts;
mod headers;
mod values;

use std::time::Instant;

/// One variant of a group: does `operations` operations and gives something that depends on all of them.
struct Variant {
    name: &'static str,
    operations: usize,
    run: Box<dyn FnMut() -> u64>,
}

impl Variant {
    fn new(name: &'static str, operations: usize, run: impl FnMut() -> u64 + 'static) -> Variant {
        Variant {
            name,
            operations,
            run: Box::new(run),
        }
    }
}

/// Runs the variants in turns and prints a table.
fn compare(title: &str, rounds: usize, mut variants: Vec<Variant>) {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); variants.len()];
    for round in 0..rounds + 1 {
        for (variant, times) in variants.iter_mut().zip(&mut times) {
            let start = Instant::now();
            std::hint::black_box((variant.run)());
            let nanoseconds = start.elapsed().as_nanos() as f64 / variant.operations as f64;
            // The first round warms caches and predictors.
            if round > 0 {
                times.push(nanoseconds);
            }
        }
    }
    println!("\n{title}\n");
    println!("| variant | best ns | median ns | ratio |\n|---|---|---|---|");
    let mut base = None;
    for (variant, times) in variants.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let (best, median) = (times[0], times[times.len() / 2]);
        let base = *base.get_or_insert(best);
        println!(
            "| {} | {best:.2} | {median:.2} | {:.2} |",
            variant.name,
            best / base
        );
    }
}

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(40);
    compare(
        "Float: s = s * 0.999 + x[i], each step waits for the one before",
        rounds,
        values::float_variants(),
    );
    compare(
        "Float: c[i] = a[i] * b[i], all kept",
        rounds,
        values::product_variants(),
    );
    compare(
        "Int: s = (s + x[i]), refused on overflow",
        rounds,
        values::int_variants(),
    );
    compare(
        "Pointer: follow a chain of objects, testing that each is one",
        rounds,
        values::pointer_variants(),
    );
    compare(
        "Counts: one increment and one decrement with its test for zero",
        rounds,
        counts::variants(),
    );
    compare(
        "Counts: two threads on one object, each an increment and a decrement",
        rounds.min(10),
        counts::contended_variants(),
    );
    compare(
        "Type test: is the object's type (and layout) the expected one",
        rounds,
        headers::test_variants(),
    );
    compare(
        "Type lookup: load something from the object's type",
        rounds,
        headers::lookup_variants(),
    );
}
