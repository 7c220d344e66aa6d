//! `_random`: the Mersenne Twister behind `random.Random`.

use crate::ModuleDef;
use crate::support::{Holds, add_type, native_type};
use dashu_int::{IBig, Sign, UBig};
use taipan_base::mt19937::{Mt19937, STATE_WORDS};
use taipan_core::alloc::new_instance;
use taipan_core::lock::Locked;
use taipan_core::number::int_from_big;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0, f1,
    slice,
};
use taipan_types::{check, int};

/// `_random`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_random",
    doc: "Module implements the Mersenne Twister random number generator.",
    functions: &[],
    init,
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    RANDOM.define(&SPEC);
    add_type(dict, &RANDOM);
    Ok(())
}

impl Holds for Mt19937 {}

native_type! {
    /// Payload of `Random`.
    RANDOM "_random.Random" Random {}
    RandomState { generator: Mt19937 }
}

static SPEC: TypeSpec = TypeSpec {
    name: "_random.Random",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(seed_new),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "Random() -> create a random number generator with its own internal state.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Random>();
static METHODS: [MethodDef; 5] = [
    f0(
        "random(self, /)",
        random,
        "random() -> x in the interval [0, 1).",
    ),
    slice(
        "seed(self, n=None, /)",
        seed,
        "seed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the process identifier.",
    ),
    f0(
        "getstate(self, /)",
        getstate,
        "getstate() -> tuple containing the current state.",
    ),
    f1(
        "setstate(self, state, /)",
        setstate,
        "setstate(state) -> None.  Restores generator state.",
    ),
    f1(
        "getrandbits(self, k, /)",
        getrandbits,
        "getrandbits(k) -> x.  Generates an int with k random bits.",
    ),
];

fn own(this: &Value) -> &Obj<Random> {
    this.expect::<Random>()
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let random = Random {
        state: Locked::new(RandomState {
            generator: Mt19937::from_word(5489),
        }),
    };
    Ok(new_instance(cls, random))
}

fn seed_new(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    check::no_keywords(vm, "Random", args)?;
    check::count(vm, "Random", args.pos().len(), 0, 1)?;
    reseed(vm, this, args.pos().first())
}

fn seed(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    reseed(vm, this, args.first())?;
    Ok(Value::none())
}

fn reseed(vm: &mut Vm, this: &Value, seed: Option<&Value>) -> Py<()> {
    let generator = match seed {
        Some(seed) if !seed.is_none() => from_seed(vm, seed)?,
        _ => from_system(),
    };
    own(this).lock(vm).generator = generator;
    Ok(())
}

/// A generator seeded from the system's randomness, or from the time if there is none.
fn from_system() -> Mt19937 {
    let mut bytes = [0u8; STATE_WORDS * 4];
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos() as u64);
        let seed = now ^ (std::process::id() as u64) << 32;
        return Mt19937::from_u64(seed);
    }
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    Mt19937::from_words(&words)
}

/// Ints count by their magnitude, everything else by its hash.
fn from_seed(vm: &mut Vm, seed: &Value) -> Py<Mt19937> {
    if seed.is_int() {
        return Ok(match int::operand(seed) {
            Some(int::Operand::Big(big)) => {
                let words = big.as_sign_words().1;
                let mut halves: Vec<u32> = words
                    .iter()
                    .flat_map(|word| [*word as u32, (*word >> 32) as u32])
                    .collect();
                if halves.last() == Some(&0) {
                    halves.pop();
                }
                Mt19937::from_words(&halves)
            }
            Some(int::Operand::Small(i)) => Mt19937::from_u64(i.unsigned_abs()),
            None => Mt19937::from_u64(0),
        });
    }
    Ok(Mt19937::from_u64(vm.hash(seed)? as u64))
}

fn random(vm: &mut Vm, this: &Value) -> Py {
    let x = own(this).lock(vm).generator.random();
    Ok(Value::float(x))
}

fn getrandbits(vm: &mut Vm, this: &Value, k: &Value) -> Py {
    let k = vm.index(k)?;
    let Some(number) = int::operand(&k) else {
        return Ok(Value::from_i32(0));
    };
    if number.is_negative() {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    let int::Operand::Small(bits) = number else {
        return Err(vm.overflow_error("Python int too large for C uint64_t"));
    };
    if bits <= 64 {
        let random = own(this).lock(vm).generator.bits_u64(bits as u32);
        return Ok(taipan_core::number::int_from_u64(random));
    }
    int::make_room(vm, bits as u128 * 2)?;
    let halves = own(this).lock(vm).generator.bits_words(bits as usize);
    let words: Vec<u64> = halves
        .chunks(2)
        .map(|pair| pair[0] as u64 | (pair.get(1).copied().unwrap_or(0) as u64) << 32)
        .collect();
    Ok(int_from_big(IBig::from_parts(
        Sign::Positive,
        UBig::from_words(&words),
    )))
}

fn getstate(vm: &mut Vm, this: &Value) -> Py {
    let generator = own(this).lock(vm).generator.clone();
    let mut row: Vec<Value> = generator
        .words()
        .iter()
        .map(|word| Value::int(*word as i64))
        .collect();
    row.push(Value::int(generator.index() as i64));
    Ok(new_tuple(row))
}

fn setstate(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let Some(row) = items(state) else {
        return Err(vm.type_error("state vector must be a tuple"));
    };
    if row.len() != STATE_WORDS + 1 {
        return Err(vm.value_error("state vector is the wrong size"));
    }
    let mut words = [0u32; STATE_WORDS];
    for (word, value) in words.iter_mut().zip(row) {
        *word = unsigned(vm, value)? as u32;
    }
    let index = unsigned(vm, &row[STATE_WORDS])?;
    match Mt19937::from_state(words, index as usize) {
        Some(generator) => {
            own(this).lock(vm).generator = generator;
            Ok(Value::none())
        }
        None => Err(vm.value_error("invalid state")),
    }
}

fn unsigned(vm: &mut Vm, value: &Value) -> Py<u64> {
    if !value.is_int() {
        return Err(vm.type_error("an integer is required"));
    }
    match value.as_big().map(|big| u64::try_from(&big)) {
        Some(Ok(number)) => Ok(number),
        _ if int::operand(value).is_some_and(|number| number.is_negative()) => {
            Err(vm.overflow_error("can't convert negative value to unsigned int"))
        }
        _ => Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    }
}
