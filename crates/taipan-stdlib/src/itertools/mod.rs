//! `itertools`: iterators over iterators. Sources of an iterator never change; positions are guarded, and no guard is held while a
//! source is stepped.

mod chain;
mod combinatoric;
mod endless;
mod group;
mod select;
mod tee;

use crate::ModuleDef;
use crate::support::add_type;
use taipan_core::{MethodDef, Py, Slots, TypeFlags, TypeSpec, Value, Vm, slice};

/// `itertools`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "itertools",
    doc: "Functional tools for creating and using iterators.\n\n\
          Infinite iterators:\n\
          count(start=0, step=1) --> start, start+step, start+2*step, ...\n\
          cycle(p) --> p0, p1, ... plast, p0, p1, ...\n\
          repeat(elem [,n]) --> elem, elem, elem, ... endlessly or up to n times\n\n\
          Iterators terminating on the shortest input sequence:\n\
          accumulate(p[, func]) --> p0, p0+p1, p0+p1+p2\n\
          batched(p, n) --> [p0, p1, ..., p_n-1], [p_n, p_n+1, ..., p_2n-1], ...\n\
          chain(p, q, ...) --> p0, p1, ... plast, q0, q1, ...\n\
          chain.from_iterable([p, q, ...]) --> p0, p1, ... plast, q0, q1, ...\n\
          compress(data, selectors) --> (d[0] if s[0]), (d[1] if s[1]), ...\n\
          dropwhile(predicate, seq) --> seq[n], seq[n+1], starting when predicate fails\n\
          groupby(iterable[, keyfunc]) --> sub-iterators grouped by value of keyfunc(v)\n\
          filterfalse(predicate, seq) --> elements of seq where predicate(elem) is False\n\
          islice(seq, [start,] stop [, step]) --> elements from seq[start:stop:step]\n\
          pairwise(s) --> (s[0],s[1]), (s[1],s[2]), (s[2], s[3]), ...\n\
          starmap(fun, seq) --> fun(*seq[0]), fun(*seq[1]), ...\n\
          tee(it, n=2) --> (it1, it2 , ... itn) splits one iterator into n\n\
          takewhile(predicate, seq) --> seq[0], seq[1], until predicate fails\n\
          zip_longest(p, q, ...) --> (p[0], q[0]), (p[1], q[1]), ...\n\n\
          Combinatoric generators:\n\
          product(p, q, ... [repeat=1]) --> cartesian product\n\
          permutations(p[, r])\n\
          combinations(p, r)\n\
          combinations_with_replacement(p, r)\n",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 1] = [slice(
    "tee(module, iterable, n=2, /)",
    tee::tee,
    "Returns a tuple of n independent iterators.",
)];

/// What the types here have in common.
const ITERATOR: TypeSpec = TypeSpec {
    flags: TypeFlags::BASE,
    ..TypeSpec::DEFAULT
};

const ITERATOR_SLOTS: Slots = Slots {
    iter: Some(taipan_types::iterators::itself),
    ..Slots::NONE
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (ty, spec) in chain::types()
        .into_iter()
        .chain(combinatoric::types())
        .chain(endless::types())
        .chain(group::types())
        .chain(select::types())
        .chain(tee::types())
    {
        ty.define(spec);
        add_type(dict, ty);
    }
    Ok(())
}

type Types = Vec<(&'static taipan_core::TypeObject, &'static TypeSpec)>;
