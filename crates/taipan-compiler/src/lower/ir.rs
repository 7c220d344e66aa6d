//! What lowering emits: a list of instructions with labels, before it becomes a flow graph.

use taipan_bytecode::Op;
use taipan_bytecode::line_table::Position;

/// A place in the instruction list that jumps and handlers name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) struct Label(pub u32);

impl Label {
    /// No label.
    pub const NONE: Label = Label(u32::MAX);

    /// Whether it is one.
    pub fn is_some(self) -> bool {
        self != Label::NONE
    }
}

/// An instruction. A `NOP` with a target marks the place where that target becomes the handler: the stack depth there
/// is the depth the handler cuts the stack to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instr {
    pub op: Op,
    pub arg: u32,
    /// Target of a jump.
    pub target: Label,
    /// The handler that guards the instruction.
    pub handler: Label,
    pub pos: Position,
}

impl Instr {
    /// Whether it marks the start of a guarded region.
    pub fn is_setup(&self) -> bool {
        self.op == Op::Nop && self.target.is_some()
    }
}

/// The emitted code of one code object.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    pub instrs: Vec<Instr>,
    /// Where each label is bound (index into `instrs`), `u32::MAX` while it is not.
    pub labels: Vec<u32>,
    /// Labels of handlers that want the unit index of the raising instruction.
    pub lasti: Vec<bool>,
}

impl Sequence {
    pub fn new_label(&mut self) -> Label {
        self.labels.push(u32::MAX);
        self.lasti.push(false);
        Label(self.labels.len() as u32 - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.instrs.len() as u32;
    }

    /// Puts instructions (with no labels of their own) in at an index.
    pub fn insert(&mut self, at: usize, new: Vec<Instr>) {
        let count = new.len() as u32;
        for bound in &mut self.labels {
            if *bound != u32::MAX && *bound > at as u32 {
                *bound += count;
            }
        }
        self.instrs.splice(at..at, new);
    }
}
