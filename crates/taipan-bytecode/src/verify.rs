//! The verifier: code that passes cannot make an interpreter leave its stack, its tables or its code.
//!
//! What it establishes for every path, handlers included:
//! - opcodes exist, operands are in range, jumps and handlers lead to instruction starts, only `JUMP_ABSOLUTE` goes
//!   backwards, execution never runs off the end;
//! - the stack's depth at an instruction is the same on all paths, never below what is popped, never above
//!   `stacksize`; where an exception is caught the stack is at least as deep as the handler's depth;
//! - the NULL of `LOAD_FAST_AND_CLEAR`, `LOAD_METHOD` and `PUSH_NULL` reaches only instructions that take it;
//! - operands that the compiler makes have their kind: lists of `LIST_APPEND`, `LIST_EXTEND`, `LIST_TO_TUPLE`; dicts
//!   of `MAP_ADD`, `DICT_UPDATE`, `DICT_MERGE`, `CALL_FUNCTION_EX`; sets of `SET_UPDATE`; name tuples of
//!   `CALL_*_KW`, `MATCH_CLASS` and `BUILD_CONST_KEY_MAP`; strings of `BUILD_STRING`; the code and closure of
//!   `MAKE_FUNCTION` (with as many cells as the code has free variables); cells of `RESTORE_CELL`; the unit index
//!   of `RERAISE n`.
//!
//! Not established, so checked when executed: that the exception of `RERAISE` is one (it may come from
//! `PREP_RERAISE_STAR`), that the target of `SET_ADD` is a set, and that the defaults of `MAKE_FUNCTION` are a tuple
//! and a dict (those of a generic function are parameters of the code around it).

use std::collections::HashSet;
use std::fmt;

use crate::code::{Code, CodeFlags, Constant, Instruction};
use crate::exception_table::{self, ExceptionEntry};
use crate::line_table;
use crate::ops::{Compare, Intrinsic1, Intrinsic2, Op, OpFlags, OperandKind};

/// Why code was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// What is wrong.
    pub message: String,
    /// Unit index of the instruction, if one is to blame.
    pub at: Option<u32>,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(
                f,
                "bad code: {} at offset {}",
                self.message,
                u64::from(at) * 2
            ),
            None => write!(f, "bad code: {}", self.message),
        }
    }
}

impl std::error::Error for VerifyError {}

type Result<T = ()> = std::result::Result<T, VerifyError>;

fn error<T>(message: impl Into<String>, at: Option<u32>) -> Result<T> {
    Err(VerifyError {
        message: message.into(),
        at,
    })
}

/// No code may ask for a deeper stack.
pub const MAX_STACK: u32 = 1 << 20;

/// What is known about a stack item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Any,
    /// NULL or any value.
    MaybeNull,
    Const(u32),
    /// A unit index pushed by the unwinder.
    Lasti,
    /// What `PUSH_EXC_INFO` pushed.
    Previous,
    /// What the unwinder pushed, as long as nothing else may be there. Nothing relies on it.
    Exception,
    /// What `GET_ITER` made. Nothing relies on it.
    Iterator,
    List,
    Set,
    Dict,
    Tuple,
    Str,
    Code,
    Cell,
    CellTuple(u32),
}

/// Verifies a code object and all code among its constants.
pub fn verify(code: &Code) -> Result {
    let mut queue = vec![code];
    while let Some(code) = queue.pop() {
        let depth = verify_one(code)?;
        if depth > code.stacksize {
            return error(
                format!("stack of {} where {depth} is needed", code.stacksize),
                None,
            );
        }
        let mut constants: Vec<&Constant> = code.consts.iter().collect();
        while let Some(value) = constants.pop() {
            match value {
                Constant::Code(inner) => queue.push(inner),
                Constant::Tuple(items) | Constant::FrozenSet(items) => {
                    constants.extend(items.iter())
                }
                Constant::Slice(parts) => constants.extend(parts.iter()),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Verifies one code object, not those inside; the greatest stack depth of any path.
pub fn verify_one(code: &Code) -> Result<u32> {
    Ok(verified(code, false)?.max)
}

/// What is on the stack before each instruction, by the unit it starts at; `None` where no path leads.
pub(crate) fn stacks(code: &Code) -> Result<Vec<Option<Vec<Kind>>>> {
    Ok(verified(code, true)?.trail)
}

/// What [`Machine::run`] finds out.
struct Verified {
    max: u32,
    trail: Vec<Option<Vec<Kind>>>,
}

fn verified(code: &Code, trail: bool) -> Result<Verified> {
    check_header(code)?;
    let instrs = decode(code)?;
    let handlers = check_handlers(code, &instrs)?;
    check_lines(code)?;
    let mut leaders = vec![false; instrs.by_start.len()];
    for instr in instrs
        .list
        .iter()
        .filter(|instr| instr.op.is_ok_and(Op::jumps))
    {
        leaders[instr.operand as usize] = true;
    }
    for handler in &handlers {
        leaders[handler.target as usize] = true;
    }
    let mut machine = Machine {
        code,
        leaders,
        states: vec![None; instrs.by_start.len()],
        queue: Vec::new(),
        handlers,
        instrs: &instrs,
        max: 0,
        trail: vec![None; if trail { instrs.by_start.len() } else { 0 }],
    };
    machine.run()?;
    Ok(Verified {
        max: machine.max,
        trail: machine.trail,
    })
}

struct Decoded {
    list: Vec<Instruction>,
    /// Index into `list` of the instruction that starts at a unit.
    by_start: Vec<Option<u32>>,
}

impl Decoded {
    fn starting_at(&self, unit: u32) -> Option<usize> {
        self.by_start
            .get(unit as usize)
            .copied()
            .flatten()
            .map(|i| i as usize)
    }
}

fn check_header(code: &Code) -> Result {
    if code.posonlyargcount > code.argcount {
        return error("more positional-only than positional parameters", None);
    }
    let counts = u64::from(code.argcount) + u64::from(code.kwonlyargcount) + 2;
    if counts > u64::from(u32::MAX) || code.nparams() > code.varnames.len() {
        return error("more parameters than local variables", None);
    }
    if code.stacksize > MAX_STACK {
        return error("stack size is too large", None);
    }
    if code.nslots() > MAX_STACK as usize {
        return error("too many local variables", None);
    }
    if code.bytecode.is_empty()
        || !code.bytecode.len().is_multiple_of(2)
        || code.bytecode.len() > u32::MAX as usize
    {
        return error("code has a wrong length", None);
    }
    if (code.flags & CodeFlags::GENERATOR_LIKE).bits().count_ones() > 1 {
        return error("contradictory generator flags", None);
    }
    if code.flags.contains(CodeFlags::HAS_DOCSTRING)
        && !matches!(code.consts.first(), Some(Constant::Str(_)))
    {
        return error("docstring is missing", None);
    }
    Ok(())
}

fn decode(code: &Code) -> Result<Decoded> {
    let mut list = Vec::new();
    let mut by_start = vec![None; code.units()];
    for instr in code.instructions() {
        let op = match instr.op {
            Ok(op) => op,
            Err(number) => return error(format!("unknown opcode {number}"), Some(instr.at)),
        };
        if op == Op::ExtendedArg || instr.at - instr.start > 3 {
            return error("misplaced EXTENDED_ARG", Some(instr.at));
        }
        check_operand(code, op, &instr)?;
        by_start[instr.start as usize] = Some(list.len() as u32);
        list.push(instr);
    }
    Ok(Decoded { list, by_start })
}

fn check_operand(code: &Code, op: Op, instr: &Instruction) -> Result {
    let operand = instr.operand as usize;
    let ok = match op.info().operand {
        OperandKind::None => operand == 0,
        OperandKind::Const => operand < code.consts.len(),
        OperandKind::Local => operand < code.varnames.len(),
        OperandKind::Name => operand < code.names.len(),
        OperandKind::NameFlag => operand >> 1 < code.names.len(),
        OperandKind::Cell => operand < code.cellvars.len() + code.freevars.len(),
        OperandKind::Compare => operand < Compare::ALL.len(),
        OperandKind::Intrinsic1 => operand < Intrinsic1::ALL.len(),
        OperandKind::Intrinsic2 => operand < Intrinsic2::ALL.len(),
        OperandKind::Jump => {
            operand < code.units() && (op == Op::JumpAbsolute || operand > instr.at as usize)
        }
        OperandKind::Count => {
            let least = match op {
                Op::RotN | Op::Copy | Op::ListAppend | Op::SetAdd | Op::MapAdd => 1,
                Op::ListExtend | Op::SetUpdate | Op::DictMerge | Op::DictUpdate => 1,
                Op::Swap | Op::BuildSlice => 2,
                _ => 0,
            };
            let most = match op {
                Op::BuildSlice => 3,
                Op::RaiseVarargs => 2,
                _ => MAX_STACK as usize,
            };
            (least..=most).contains(&operand)
        }
        OperandKind::Flags => {
            let most = match op {
                Op::MakeFunction => 15,
                Op::FormatValue | Op::BuildInterpolation => 7,
                Op::GenStart | Op::GetAwaitable => 2,
                _ => 1,
            };
            operand <= most
        }
        OperandKind::Prefix => true,
    };
    let namespace_only = matches!(
        op,
        Op::LoadName
            | Op::StoreName
            | Op::DeleteName
            | Op::LoadLocals
            | Op::ImportStar
            | Op::SetupAnnotations
            | Op::LoadClassderef
    );
    if !ok {
        error(
            format!("operand {operand} of {} is out of range", op.name()),
            Some(instr.at),
        )
    } else if namespace_only && code.flags.contains(CodeFlags::OPTIMIZED) {
        error(format!("{} in a function", op.name()), Some(instr.at))
    } else if (op.info().flags.contains(OpFlags::SUSPENDS) || op == Op::GenStart)
        && !code.is_generator_like()
    {
        error(format!("{} outside a generator", op.name()), Some(instr.at))
    } else {
        Ok(())
    }
}

fn check_handlers(code: &Code, instrs: &Decoded) -> Result<Vec<ExceptionEntry>> {
    let mut entries = exception_table::entries(&code.exceptiontable);
    let list: Vec<ExceptionEntry> = entries.by_ref().collect();
    if !entries.at_end() {
        return error("exception table is damaged", None);
    }
    let units = code.units() as u32;
    let mut end = 0;
    for entry in &list {
        let boundary = |unit: u32| unit == units || instrs.starting_at(unit).is_some();
        let ordered = end <= entry.start && entry.start < entry.end && entry.end <= units;
        if !ordered || !boundary(entry.start) || !boundary(entry.end) {
            return error("exception table has a bad range", Some(entry.start));
        }
        if instrs.starting_at(entry.target).is_none() || entry.depth > code.stacksize {
            return error("exception table has a bad handler", Some(entry.target));
        }
        end = entry.end;
    }
    Ok(list)
}

fn check_lines(code: &Code) -> Result {
    let end = line_table::ranges(&code.linetable, code.firstlineno)
        .last()
        .map_or(0, |range| range.end);
    if end as usize == code.units() {
        Ok(())
    } else {
        error("line table does not cover the code", None)
    }
}

struct Machine<'a> {
    code: &'a Code,
    /// Where jumps and handlers lead.
    leaders: Vec<bool>,
    /// The stack before the leader that starts at a unit.
    states: Vec<Option<Vec<Kind>>>,
    queue: Vec<u32>,
    handlers: Vec<ExceptionEntry>,
    instrs: &'a Decoded,
    max: u32,
    /// The stack before each instruction, if that is wanted; empty otherwise.
    trail: Vec<Option<Vec<Kind>>>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result {
        let entry = if self.code.is_generator_like() {
            vec![Kind::Any]
        } else {
            Vec::new()
        };
        self.flow(0, &entry, 0)?;
        while let Some(unit) = self.queue.pop() {
            self.run_from(unit)?;
        }
        Ok(())
    }

    /// Execution may reach a unit with a stack.
    fn flow(&mut self, unit: u32, stack: &[Kind], from: u32) -> Result {
        if self.instrs.starting_at(unit).is_none() {
            return error("execution leaves the code", Some(from));
        }
        self.max = self.max.max(stack.len() as u32);
        if stack.len() > MAX_STACK as usize {
            return error("stack is too deep", Some(from));
        }
        match &mut self.states[unit as usize] {
            slot @ None => *slot = Some(stack.to_vec()),
            Some(known) => {
                if known.len() != stack.len() {
                    return error("stack depth differs between paths", Some(unit));
                }
                let mut changed = false;
                for (old, new) in known.iter_mut().zip(stack) {
                    let merged = merge(self.code, *old, *new);
                    changed |= merged != *old;
                    *old = merged;
                }
                if !changed {
                    return Ok(());
                }
            }
        }
        self.queue.push(unit);
        Ok(())
    }

    fn run_from(&mut self, unit: u32) -> Result {
        let Some(index) = self.instrs.starting_at(unit) else {
            return Ok(());
        };
        let Some(mut stack) = self.states[unit as usize].clone() else {
            return Ok(());
        };
        let instrs = self.instrs;
        let mut first = true;
        for instr in &instrs.list[index..] {
            // A place that is reached in several ways has a state of its own.
            if !std::mem::take(&mut first) && self.leaders[instr.start as usize] {
                return self.flow(instr.start, &stack, instr.at);
            }
            let Ok(op) = instr.op else { return Ok(()) };
            if let Some(known) = self.trail.get_mut(instr.start as usize) {
                *known = Some(stack.clone());
            }
            let (pops, pushes) = op.stack_io(instr.operand);
            let (jump_pops, jump_pushes) = op.stack_io_jump(instr.operand);
            if (stack.len() as i64) < pops.max(jump_pops) {
                return error(
                    format!("{} finds too little on the stack", op.name()),
                    Some(instr.at),
                );
            }
            self.raise(instr, op, &stack, pops, pushes)?;
            if op.jumps() {
                let mut there = stack[..stack.len() - jump_pops as usize].to_vec();
                if jump_pushes == jump_pops {
                    there = stack.clone();
                }
                self.refuse_null(op, instr, &stack)?;
                self.flow(instr.operand, &there, instr.at)?;
            }
            step(
                self.code,
                op,
                instr,
                &mut stack,
                pops as usize,
                pushes as usize,
            )?;
            self.max = self.max.max(stack.len() as u32);
            if op.ends_block() {
                return Ok(());
            }
            if stack.len() > MAX_STACK as usize {
                return error("stack is too deep", Some(instr.at));
            }
            if instr.at as usize + 1 >= self.code.units() {
                return error("execution leaves the code", Some(instr.at));
            }
        }
        Ok(())
    }

    fn refuse_null(&self, op: Op, instr: &Instruction, stack: &[Kind]) -> Result {
        let reads = op != Op::JumpAbsolute;
        if reads && stack.last() == Some(&Kind::MaybeNull) {
            return error(format!("{} takes no NULL", op.name()), Some(instr.at));
        }
        Ok(())
    }

    /// The handler of an instruction is reached with what lies below its depth, also from instructions that cannot
    /// raise of themselves: a trace function may. `PUSH_EXC_INFO` alone is not interrupted.
    fn raise(
        &mut self,
        instr: &Instruction,
        op: Op,
        stack: &[Kind],
        pops: i64,
        pushes: i64,
    ) -> Result {
        if op == Op::PushExcInfo {
            return Ok(());
        }
        let found = self.handlers.partition_point(|entry| entry.end <= instr.at);
        let Some(entry) = self
            .handlers
            .get(found)
            .copied()
            .filter(|entry| entry.start <= instr.at)
        else {
            return Ok(());
        };
        let depth = entry.depth as usize;
        let raises = op.info().flags.contains(OpFlags::RAISES) || op == Op::JumpAbsolute;
        let taken = if keeps_what_is_below(op) {
            (pops - pushes).max(0)
        } else {
            pops
        };
        if stack.len() < depth || raises && stack.len() - (taken as usize) < depth {
            return error("handler wants a deeper stack", Some(instr.at));
        }
        let mut there = stack[..depth].to_vec();
        if entry.lasti {
            there.push(Kind::Lasti);
        }
        there.push(Kind::Exception);
        self.flow(entry.target, &there, instr.at)
    }
}

/// Whether an instruction's operands below what it really takes stay where they are.
fn keeps_what_is_below(op: Op) -> bool {
    matches!(
        op,
        Op::ListAppend
            | Op::SetAdd
            | Op::MapAdd
            | Op::ListExtend
            | Op::SetUpdate
            | Op::DictMerge
            | Op::DictUpdate
            | Op::Reraise
            | Op::CheckExcMatch
            | Op::WithExceptStart
            | Op::ImportFrom
            | Op::GetAnext
            | Op::GetLen
            | Op::MatchKeys
    )
}

pub(crate) fn merge(code: &Code, a: Kind, b: Kind) -> Kind {
    if a == b {
        return a;
    }
    if a == Kind::MaybeNull || b == Kind::MaybeNull {
        return Kind::MaybeNull;
    }
    let (a, b) = (general(code, a), general(code, b));
    if a == b { a } else { Kind::Any }
}

fn general(code: &Code, kind: Kind) -> Kind {
    match kind {
        Kind::Const(i) => match code.consts.get(i as usize) {
            Some(Constant::Tuple(_)) => Kind::Tuple,
            Some(Constant::Str(_)) => Kind::Str,
            Some(Constant::Code(_)) => Kind::Code,
            _ => Kind::Any,
        },
        Kind::CellTuple(_) => Kind::Tuple,
        kind => kind,
    }
}

struct Step<'a> {
    code: &'a Code,
    op: Op,
    at: u32,
    /// What the instruction pops, the top last.
    taken: &'a [Kind],
}

impl Step<'_> {
    /// The item at a distance from the top, which is 1.
    fn item(&self, from_top: usize) -> Kind {
        self.taken
            .len()
            .checked_sub(from_top)
            .map_or(Kind::Any, |i| self.taken[i])
    }

    fn need(&self, from_top: usize, kind: Kind) -> Result {
        if general(self.code, self.item(from_top)) == kind {
            return Ok(());
        }
        error(
            format!("{} has an operand of a wrong kind", self.op.name()),
            Some(self.at),
        )
    }

    fn constant(&self, from_top: usize) -> Option<&Constant> {
        match self.item(from_top) {
            Kind::Const(i) => self.code.consts.get(i as usize),
            _ => None,
        }
    }

    /// The operand must be a constant tuple; its items.
    fn const_tuple(&self, from_top: usize) -> Result<&[Constant]> {
        match self.constant(from_top) {
            Some(Constant::Tuple(items)) => Ok(items),
            _ => error(
                format!("{} wants a constant tuple", self.op.name()),
                Some(self.at),
            ),
        }
    }

    fn names(&self, from_top: usize, most: usize) -> Result {
        let items = self.const_tuple(from_top)?;
        let mut seen = HashSet::new();
        let all = items
            .iter()
            .all(|item| matches!(item, Constant::Str(_)) && seen.insert(item));
        if all && items.len() <= most {
            return Ok(());
        }
        error(format!("{} has bad names", self.op.name()), Some(self.at))
    }
}

/// Executes an instruction on the kinds.
fn step(
    code: &Code,
    op: Op,
    instr: &Instruction,
    stack: &mut Vec<Kind>,
    pops: usize,
    pushes: usize,
) -> Result {
    let base = stack.len() - pops;
    let n = instr.operand as usize;
    if shuffle(op, n, stack) {
        return Ok(());
    }
    let taken: Vec<Kind> = stack[base..].to_vec();
    let view = Step {
        code,
        op,
        at: instr.at,
        taken: &taken,
    };
    check_nulls(&view)?;
    let result = check_kinds(&view, instr.operand)?;
    if collects(op) {
        // The collection and what is above it stay.
        stack.truncate(base + pushes);
        return Ok(());
    }
    stack.truncate(base);
    match op {
        Op::CheckExcMatch | Op::WithExceptStart | Op::ImportFrom | Op::GetAnext | Op::GetLen => {
            stack.extend_from_slice(&taken[..pushes.min(taken.len())]);
        }
        Op::MatchMapping | Op::MatchSequence | Op::MatchKeys | Op::ForIter => {
            stack.extend_from_slice(&taken)
        }
        Op::CopyDictWithoutKeys => stack.push(taken[0]),
        Op::LoadMethod | Op::LoadSuperMethod => stack.push(Kind::MaybeNull),
        Op::PushExcInfo => stack.push(Kind::Previous),
        Op::UnpackEx => stack.resize(base + (n >> 8), Kind::Any),
        Op::JumpIfFalseOrPop | Op::JumpIfTrueOrPop | Op::Reraise => {}
        _ => {}
    }
    while stack.len() < base + pushes {
        stack.push(Kind::Any);
    }
    if pushes > 0
        && let Some(top) = stack.last_mut()
    {
        *top = result;
    }
    stack.truncate(base + pushes);
    Ok(())
}

/// Instructions that only move items about; they take anything.
fn shuffle(op: Op, n: usize, stack: &mut Vec<Kind>) -> bool {
    let len = stack.len();
    match op {
        Op::PopTop => stack.truncate(len - 1),
        Op::DupTop => stack.push(stack[len - 1]),
        Op::DupTopTwo => stack.extend_from_within(len - 2..),
        Op::Copy => stack.push(stack[len - n]),
        Op::Swap => stack.swap(len - 1, len - n),
        Op::RotTwo => stack[len - 2..].rotate_right(1),
        Op::RotThree => stack[len - 3..].rotate_right(1),
        Op::RotFour => stack[len - 4..].rotate_right(1),
        Op::RotN => stack[len - n..].rotate_right(1),
        _ => return false,
    }
    true
}

fn collects(op: Op) -> bool {
    matches!(
        op,
        Op::ListAppend
            | Op::SetAdd
            | Op::MapAdd
            | Op::ListExtend
            | Op::SetUpdate
            | Op::DictMerge
            | Op::DictUpdate
    )
}

fn check_nulls(step: &Step<'_>) -> Result {
    let allowed = match step.op {
        Op::StoreFastMaybeNull => return Ok(()),
        Op::CallMethod | Op::CallMethodKw => 1,
        _ => 0,
    };
    // What lies between a collection and the items added to it is not touched.
    let touched = if collects(step.op) {
        step.taken.len().min(2 + usize::from(step.op == Op::MapAdd))
    } else {
        step.taken.len()
    };
    let from = step.taken.len() - touched;
    if step.taken[from.max(allowed)..].contains(&Kind::MaybeNull) {
        return error(format!("{} takes no NULL", step.op.name()), Some(step.at));
    }
    Ok(())
}

/// Checks what the instruction wants of its operands; the kind of its (topmost) result.
fn check_kinds(step: &Step<'_>, operand: u32) -> Result<Kind> {
    let n = operand as usize;
    Ok(match step.op {
        Op::LoadConst => Kind::Const(operand),
        Op::LoadFastAndClear | Op::PushNull => Kind::MaybeNull,
        Op::LoadClosure | Op::SaveCell => Kind::Cell,
        Op::GetIter | Op::GetAiter => Kind::Iterator,
        Op::PushExcInfo => Kind::Exception,
        Op::RestoreCell => {
            step.need(1, Kind::Cell)?;
            Kind::Any
        }
        Op::BuildTuple if n > 0 && step.taken.iter().all(|kind| *kind == Kind::Cell) => {
            Kind::CellTuple(operand)
        }
        Op::BuildTuple => Kind::Tuple,
        Op::BuildList => Kind::List,
        Op::BuildSet => Kind::Set,
        Op::BuildMap | Op::CopyDictWithoutKeys => {
            if step.op == Op::CopyDictWithoutKeys {
                step.need(1, Kind::Tuple)?;
            }
            Kind::Dict
        }
        Op::BuildConstKeyMap => {
            if step.const_tuple(1)?.len() != n {
                return error(
                    "BUILD_CONST_KEY_MAP has a wrong number of keys",
                    Some(step.at),
                );
            }
            Kind::Dict
        }
        Op::BuildString => {
            for i in 1..=n {
                step.need(i, Kind::Str)?;
            }
            Kind::Str
        }
        Op::FormatValue => Kind::Str,
        Op::BuildInterpolation => {
            step.need(1 + (n >> 2 & 1), Kind::Str)?;
            Kind::Any
        }
        Op::BuildTemplate => {
            step.need(1, Kind::Tuple)?;
            step.need(2, Kind::Tuple)?;
            Kind::Any
        }
        Op::ListToTuple => {
            step.need(1, Kind::List)?;
            Kind::Tuple
        }
        Op::ListAppend | Op::ListExtend => collection(step, n + 1, Kind::List)?,
        Op::SetUpdate => collection(step, n + 1, Kind::Set)?,
        Op::DictUpdate | Op::DictMerge => collection(step, n + 1, Kind::Dict)?,
        Op::MapAdd => collection(step, n + 2, Kind::Dict)?,
        Op::MatchKeys => {
            step.need(1, Kind::Tuple)?;
            Kind::Any
        }
        Op::CallFunctionEx => {
            if n == 1 {
                step.need(1, Kind::Dict)?;
            }
            Kind::Any
        }
        Op::CallFunctionKw | Op::CallMethodKw => {
            step.names(1, n)?;
            Kind::Any
        }
        Op::MatchClass => {
            step.names(1, usize::MAX)?;
            Kind::Any
        }
        Op::MakeFunction => {
            make_function(step, operand)?;
            Kind::Any
        }
        Op::PopExcept => {
            step.need(1, Kind::Previous)?;
            Kind::Any
        }
        Op::Reraise if n > 0 => {
            step.need(n + 1, Kind::Lasti)?;
            Kind::Any
        }
        Op::PrepReraiseStar => {
            step.need(1, Kind::List)?;
            Kind::Any
        }
        Op::WithExceptStart => {
            step.need(2, Kind::Previous)?;
            Kind::Any
        }
        _ => Kind::Any,
    })
}

fn collection(step: &Step<'_>, from_top: usize, kind: Kind) -> Result<Kind> {
    step.need(from_top, kind)?;
    Ok(kind)
}

fn make_function(step: &Step<'_>, flags: u32) -> Result {
    let Some(Constant::Code(code)) = step.constant(1) else {
        return error("MAKE_FUNCTION wants constant code", Some(step.at));
    };
    if flags & 8 != 0 {
        if step.item(2) != Kind::CellTuple(code.freevars.len() as u32) {
            return error("MAKE_FUNCTION has a bad closure", Some(step.at));
        }
    } else if !code.freevars.is_empty() {
        return error("MAKE_FUNCTION lacks a closure", Some(step.at));
    }
    Ok(())
}
