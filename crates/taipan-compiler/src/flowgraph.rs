//! The flow graph of a code object: building it, removing what cannot run, ordering it, and its stack depths.

use taipan_bytecode::Op;
use taipan_bytecode::line_table::Position;

use crate::lower::ir::{Instr, Label, Sequence};

/// A run of instructions that is entered at its start only; jumps are at its end only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub instrs: Vec<Instr>,
    /// As a handler: to what depth the stack is cut.
    pub handler_depth: u32,
    /// As a handler: whether it wants the raising instruction's index.
    pub lasti: bool,
    pub reachable: bool,
    /// Reached by an exception only.
    pub cold: bool,
    pub predecessors: u32,
}

impl Block {
    fn last(&self) -> Option<&Instr> {
        self.instrs.last()
    }

    /// Whether execution may go on in the block that follows.
    pub fn falls_through(&self) -> bool {
        self.last().is_none_or(|last| !last.op.ends_block())
    }

    /// Where the jump at the end goes.
    pub fn jump_target(&self) -> Option<usize> {
        self.last()
            .filter(|last| last.op.jumps())
            .map(|last| last.target.0 as usize)
    }

    fn exits(&self) -> bool {
        self.last()
            .is_some_and(|last| last.op.ends_block() && !last.op.jumps())
    }

    fn has_no_line(&self) -> bool {
        self.instrs.iter().all(|instr| !instr.pos.is_some())
    }
}

/// Blocks and the order they are laid out in. Targets and handlers of instructions are block indices.
#[derive(Debug)]
pub(crate) struct Graph {
    pub blocks: Vec<Block>,
    pub order: Vec<usize>,
    /// Depth of the stack at the start.
    pub entry_depth: u32,
}

/// How long a block at the end of the code may be to be copied to where it is jumped to from.
const MAX_COPY: usize = 4;

impl Graph {
    /// Splits a sequence into blocks.
    pub fn new(sequence: Sequence, entry_depth: u32) -> Graph {
        let Sequence {
            instrs,
            labels,
            lasti,
        } = sequence;
        let count = instrs.len();
        let mut starts = vec![false; count + 1];
        starts[0] = true;
        for bound in labels.iter().filter(|bound| **bound != u32::MAX) {
            starts[*bound as usize] = true;
        }
        for (i, instr) in instrs.iter().enumerate() {
            if instr.op.jumps() || instr.op.ends_block() {
                starts[i + 1] = true;
            }
        }
        let mut block_of = vec![0u32; count + 1];
        let mut blocks: Vec<Block> = Vec::new();
        for i in 0..=count {
            if starts[i] {
                blocks.push(Block::default());
            }
            block_of[i] = blocks.len() as u32 - 1;
            if let Some(instr) = instrs.get(i)
                && let Some(block) = blocks.last_mut()
            {
                block.instrs.push(*instr);
            }
        }
        let resolve = |label: Label| match labels.get(label.0 as usize) {
            Some(&bound) if bound != u32::MAX => Label(block_of[bound as usize]),
            _ => Label::NONE,
        };
        for block in &mut blocks {
            for instr in &mut block.instrs {
                instr.target = resolve(instr.target);
                instr.handler = resolve(instr.handler);
            }
        }
        for (label, wants) in lasti.iter().enumerate() {
            let block = resolve(Label(label as u32));
            if *wants && block.is_some() {
                blocks[block.0 as usize].lasti = true;
            }
        }
        let order = (0..blocks.len()).collect();
        Graph {
            blocks,
            order,
            entry_depth,
        }
    }

    /// The block after the one at a place in the order.
    fn next(&self, place: usize) -> Option<usize> {
        self.order.get(place + 1).copied()
    }

    /// Places of the blocks in the order.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![usize::MAX; self.blocks.len()];
        for (place, &block) in self.order.iter().enumerate() {
            places[block] = place;
        }
        places
    }

    /// Drops what cannot be reached; counts the predecessors of the rest; finds what only exceptions reach.
    pub fn remove_unreachable(&mut self) {
        for block in &mut self.blocks {
            (block.reachable, block.cold, block.predecessors) = (false, true, 0);
        }
        let places = self.places();
        let Some(&entry) = self.order.first() else {
            return;
        };
        // First what is reached without exceptions, then the handlers.
        let mut warm = vec![entry];
        self.blocks[entry].predecessors = 1;
        let mut handlers = Vec::new();
        self.mark(&places, &mut warm, &mut handlers, false);
        while let Some(handler) = handlers.pop() {
            let mut queue = vec![handler];
            self.mark(&places, &mut queue, &mut handlers, true);
        }
        let blocks = &self.blocks;
        self.order.retain(|block| blocks[*block].reachable);
    }

    fn mark(
        &mut self,
        places: &[usize],
        queue: &mut Vec<usize>,
        handlers: &mut Vec<usize>,
        cold: bool,
    ) {
        while let Some(index) = queue.pop() {
            if std::mem::replace(&mut self.blocks[index].reachable, true) {
                continue;
            }
            self.blocks[index].cold = cold;
            let block = &self.blocks[index];
            for instr in block.instrs.iter().filter(|i| i.handler.is_some()) {
                let handler = instr.handler.0 as usize;
                // The end of an async loop is an exception, and no exceptional one: what follows the loop is as warm as the loop.
                let ends_loop = self.blocks[handler]
                    .instrs
                    .first()
                    .is_some_and(|first| first.op == Op::EndAsyncFor);
                if ends_loop {
                    queue.push(handler);
                } else {
                    handlers.push(handler);
                }
            }
            let mut successors = [None, None];
            if block.falls_through() {
                successors[0] = self.next(places[index]);
            }
            successors[1] = block.jump_target();
            for successor in successors.into_iter().flatten() {
                self.blocks[successor].predecessors += 1;
                queue.push(successor);
            }
        }
    }

    /// Stack depth at the start of every block, and the greatest depth anywhere. Also settles, from the marks that
    /// lowering left, to what depth handlers cut the stack.
    pub fn depths(&mut self, settle_handlers: bool) -> (Vec<Option<u32>>, u32) {
        let mut depths: Vec<Option<u32>> = vec![None; self.blocks.len()];
        let places = self.places();
        let Some(&entry) = self.order.first() else {
            return (depths, 0);
        };
        let mut max = self.entry_depth;
        let mut queue = vec![(entry, self.entry_depth)];
        while let Some((index, start)) = queue.pop() {
            if depths[index].is_some() {
                continue;
            }
            depths[index] = Some(start);
            let mut depth = i64::from(start);
            let mut seen = Label::NONE;
            for i in 0..self.blocks[index].instrs.len() {
                let instr = self.blocks[index].instrs[i];
                if settle_handlers && instr.is_setup() {
                    self.blocks[instr.target.0 as usize].handler_depth =
                        (depth - i64::from(instr.arg)) as u32;
                }
                if instr.handler.is_some() && instr.handler != seen {
                    seen = instr.handler;
                    let handler = &self.blocks[seen.0 as usize];
                    let at = handler.handler_depth + 1 + u32::from(handler.lasti);
                    max = max.max(at);
                    queue.push((seen.0 as usize, at));
                }
                let (pops, pushes) = instr.op.stack_io(instr.arg);
                if instr.op.jumps() {
                    let (pops, pushes) = instr.op.stack_io_jump(instr.arg);
                    let at = (depth - pops + pushes) as u32;
                    max = max.max(at);
                    queue.push((instr.target.0 as usize, at));
                }
                debug_assert!(depth >= pops, "{:?} at depth {depth}", instr.op);
                depth += pushes - pops;
                if !instr.op.ends_block() {
                    max = max.max(depth as u32);
                }
            }
            if self.blocks[index].falls_through()
                && let Some(next) = self.next(places[index])
            {
                queue.push((next, depth as u32));
            }
        }
        (depths, max)
    }

    /// Turns the marks of guarded regions into plain no-ops once the handlers' depths are known.
    pub fn drop_marks(&mut self) {
        for block in &mut self.blocks {
            for instr in block.instrs.iter_mut().filter(|instr| instr.is_setup()) {
                (instr.target, instr.arg) = (Label::NONE, 0);
            }
        }
    }

    /// The first block with instructions at or after one.
    pub fn first_filled(&self, places: &[usize], mut block: usize) -> Option<usize> {
        while self.blocks[block].instrs.is_empty() {
            block = self.next(places[block])?;
        }
        Some(block)
    }

    // ---- exits and lines ----

    /// Copies short exits, and blocks without a line, to the jumps that lead there.
    pub fn inline_exits(&mut self) {
        loop {
            let mut changed = false;
            for &index in &self.order {
                let Some(last) = self.blocks[index].last().copied() else {
                    continue;
                };
                if last.op != Op::JumpAbsolute {
                    continue;
                }
                let target = &self.blocks[last.target.0 as usize];
                let small = target.exits() && target.instrs.len() <= MAX_COPY;
                let no_line = target.exits() && target.has_no_line();
                if !(small || no_line) {
                    continue;
                }
                let copy = target.instrs.clone();
                let block = &mut self.blocks[index];
                let nop = Instr {
                    op: Op::Nop,
                    arg: 0,
                    target: Label::NONE,
                    ..last
                };
                block.instrs.pop();
                if nop.pos.is_some() {
                    block.instrs.push(nop);
                }
                block.instrs.extend(copy);
                changed = true;
            }
            if !changed {
                return;
            }
            self.remove_unreachable();
        }
    }

    /// Gives every jump to an exit without a line its own copy of it, with the line of the jump.
    pub fn duplicate_exits(&mut self) {
        self.remove_unreachable();
        let mut copies: Vec<Vec<usize>> = vec![Vec::new(); self.blocks.len()];
        for index in self.order.clone() {
            let Some(target) = self.blocks[index].jump_target() else {
                continue;
            };
            let exit = &self.blocks[target];
            if !exit.exits() || !exit.has_no_line() || exit.predecessors < 2 {
                continue;
            }
            let mut copy = exit.clone();
            copy.predecessors = 1;
            if let (Some(first), Some(last)) = (copy.instrs.first_mut(), self.blocks[index].last())
            {
                first.pos = last.pos;
            }
            self.blocks[target].predecessors -= 1;
            let new = self.blocks.len();
            self.blocks.push(copy);
            copies[target].push(new);
            if let Some(last) = self.blocks[index].instrs.last_mut() {
                last.target = Label(new as u32);
            }
        }
        let with_copies =
            |&block: &usize| std::iter::once(block).chain(copies[block].iter().copied());
        self.order = self.order.iter().flat_map(with_copies).collect();
    }

    /// Instructions without a position take over that of what runs before them.
    pub fn propagate_lines(&mut self, firstlineno: u32) {
        self.remove_unreachable();
        if let Some(&entry) = self.order.first()
            && let Some(first) = self.blocks[entry].instrs.first_mut()
            && !first.pos.is_some()
        {
            first.pos = Position {
                line: firstlineno,
                end_line: firstlineno,
                col: 0,
                end_col: 0,
            };
        }
        for place in 0..self.order.len() {
            let index = self.order[place];
            let mut before = Position::NONE;
            for instr in &mut self.blocks[index].instrs {
                if instr.pos.is_some() {
                    before = instr.pos;
                } else {
                    instr.pos = before;
                }
            }
            let mut successors = [None, self.blocks[index].jump_target()];
            if self.blocks[index].falls_through() {
                successors[0] = self.next(place);
            }
            for successor in successors.into_iter().flatten() {
                let block = &mut self.blocks[successor];
                if block.predecessors == 1
                    && let Some(first) = block.instrs.first_mut()
                    && !first.pos.is_some()
                {
                    first.pos = before;
                }
            }
        }
    }

    // ---- order ----

    /// Moves blocks that only exceptions reach behind all others.
    pub fn move_cold_blocks(&mut self) {
        self.remove_unreachable();
        let cold: Vec<bool> = self
            .order
            .iter()
            .map(|&block| self.blocks[block].cold)
            .collect();
        if !cold.contains(&true) {
            return;
        }
        let mut order = Vec::with_capacity(self.order.len());
        for place in 0..self.order.len() {
            let index = self.order[place];
            order.push(index);
            let Some(next) = self.next(place) else {
                continue;
            };
            // What falls from one half into the other needs a jump now.
            if cold[place] == cold[place + 1] || !self.blocks[index].falls_through() {
                continue;
            }
            let last = self.blocks[index].last().copied();
            let pos = last.map_or(Position::NONE, |last| last.pos);
            let handler = last.map_or(Label::NONE, |last| last.handler);
            let jump = Instr {
                op: Op::JumpAbsolute,
                arg: 0,
                target: Label(next as u32),
                handler,
                pos,
            };
            if last.is_some_and(|last| last.op.jumps()) {
                order.push(self.blocks.len());
                let block = Block {
                    instrs: vec![jump],
                    reachable: true,
                    cold: cold[place],
                    ..Block::default()
                };
                self.blocks.push(block);
            } else {
                self.blocks[index].instrs.push(jump);
            }
        }
        self.order = order;
        let (cold, warm): (Vec<usize>, Vec<usize>) = self
            .order
            .iter()
            .partition(|&&block| self.blocks[block].cold);
        self.order = warm;
        self.order.extend(cold);
    }

    /// Removes jumps to the block that follows anyway, and no-ops that no line needs.
    pub fn remove_redundant(&mut self) {
        loop {
            self.remove_redundant_nops();
            let places = self.places();
            let mut changed = false;
            for place in 0..self.order.len() {
                let index = self.order[place];
                let Some(last) = self.blocks[index].last().copied() else {
                    continue;
                };
                if last.op != Op::JumpAbsolute {
                    continue;
                }
                let target = self.first_filled(&places, last.target.0 as usize);
                let next = self
                    .next(place)
                    .and_then(|next| self.first_filled(&places, next));
                if target.is_some() && target == next && places[last.target.0 as usize] > place {
                    if let Some(jump) = self.blocks[index].instrs.last_mut() {
                        (jump.op, jump.target) = (Op::Nop, Label::NONE);
                    }
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn remove_redundant_nops(&mut self) {
        let places = self.places();
        for place in 0..self.order.len() {
            let index = self.order[place];
            if !self.blocks[index]
                .instrs
                .iter()
                .any(|instr| instr.op == Op::Nop)
            {
                continue;
            }
            let next_line = self
                .next(place)
                .and_then(|next| self.first_filled(&places, next))
                .map(|next| self.blocks[next].instrs[0].pos.line);
            let old = std::mem::take(&mut self.blocks[index].instrs);
            let mut kept: Vec<Instr> = Vec::with_capacity(old.len());
            let mut i = 0;
            let mut old = old;
            while i < old.len() {
                let instr = old[i];
                let redundant = instr.op == Op::Nop && {
                    let line = instr.pos.line;
                    let before = kept.last().is_some_and(|before| before.pos.line == line);
                    match old.get_mut(i + 1) {
                        _ if line == 0 || before => true,
                        Some(next) if next.pos.line == line => true,
                        Some(next) if next.pos.line == 0 && next.op != Op::Nop => {
                            next.pos = instr.pos;
                            true
                        }
                        Some(_) => false,
                        None => next_line == Some(line),
                    }
                };
                if !redundant {
                    kept.push(instr);
                }
                i += 1;
            }
            self.blocks[index].instrs = kept;
        }
    }

    /// Makes every conditional jump go forward, with a jump of its own for the way back.
    pub fn forward_branches(&mut self) {
        let places = self.places();
        let mut order = Vec::with_capacity(self.order.len());
        let mut far = Vec::new();
        for (place, &index) in self.order.clone().iter().enumerate() {
            order.push(index);
            let Some(last) = self.blocks[index].last().copied() else {
                continue;
            };
            if !last.op.jumps()
                || last.op == Op::JumpAbsolute
                || places[last.target.0 as usize] > place
            {
                continue;
            }
            let inverted = match last.op {
                Op::PopJumpIfFalse => Op::PopJumpIfTrue,
                Op::PopJumpIfTrue => Op::PopJumpIfFalse,
                Op::PopJumpIfNone => Op::PopJumpIfNotNone,
                Op::PopJumpIfNotNone => Op::PopJumpIfNone,
                // From cold code to warm code, by way of a jump at the very end.
                _ => {
                    let by_way = self.add_jump(index, last);
                    far.push(by_way);
                    if let Some(branch) = self.blocks[index].instrs.last_mut() {
                        branch.target = Label(by_way as u32);
                    }
                    continue;
                }
            };
            let Some(next) = self.next(place) else {
                continue;
            };
            order.push(self.add_jump(index, last));
            if let Some(branch) = self.blocks[index].instrs.last_mut() {
                (branch.op, branch.target) = (inverted, Label(next as u32));
            }
        }
        order.extend(far);
        self.order = order;
    }

    /// A block that does what the branch at the end of another does, without condition.
    fn add_jump(&mut self, from: usize, branch: Instr) -> usize {
        let jump = Instr {
            op: Op::JumpAbsolute,
            ..branch
        };
        self.blocks.push(Block {
            instrs: vec![jump],
            reachable: true,
            cold: self.blocks[from].cold,
            predecessors: 1,
            ..Block::default()
        });
        self.blocks.len() - 1
    }
}
