//! From the finished flow graph to bytes and tables.

use std::sync::Arc;

use taipan_bytecode::code::{Body, Name};
use taipan_bytecode::exception_table::{self, ExceptionEntry};
use taipan_bytecode::line_table::{self, Position};
use taipan_bytecode::{Code, CodeFlags, Constant, Op};

use crate::context::Failure;
use crate::flowgraph::Graph;
use crate::lower::ir::Label;
use crate::lower::unit::Unit;
use crate::peephole;

/// Runs the passes on a finished unit.
pub(crate) fn finish(
    mut unit: Unit<'_>,
    flags: CodeFlags,
    filename: &Arc<str>,
) -> Result<Code, Failure> {
    let sequence = std::mem::take(&mut unit.code);
    let generator_like = flags.intersects(CodeFlags::GENERATOR_LIKE);
    let mut graph = Graph::new(sequence, u32::from(generator_like));
    graph.remove_unreachable();
    graph.depths(true);
    graph.drop_marks();
    peephole::optimize(&mut graph, &unit.consts.list);
    graph.inline_exits();
    graph.duplicate_exits();
    graph.propagate_lines(unit.firstlineno);
    graph.remove_redundant();
    graph.move_cold_blocks();
    graph.remove_redundant();
    graph.forward_branches();
    graph.remove_unreachable();
    let (_, stacksize) = graph.depths(false);
    let consts = used_consts(&mut graph, std::mem::take(&mut unit.consts.list));
    let assembled = assemble(&graph, unit.firstlineno)?;
    let body = Body {
        varnames: names(unit.varnames.list),
        cellvars: names(unit.cellvars.list),
        freevars: names(unit.freevars.list),
        names: names(unit.names.list),
        consts,
        bytecode: assembled.0.into(),
        linetable: assembled.1.into(),
        exceptiontable: assembled.2.into(),
    };
    Ok(Code {
        name: unit.name.into(),
        qualname: unit.qualname.into(),
        filename: Arc::clone(filename).into(),
        flags,
        argcount: unit.argcount,
        posonlyargcount: unit.posonlyargcount,
        kwonlyargcount: unit.kwonlyargcount,
        stacksize,
        firstlineno: unit.firstlineno,
        body: body.into(),
    })
}

fn names(list: Vec<Arc<str>>) -> Vec<Name> {
    list.into_iter().map(Name::from).collect()
}

/// Drops constants that no instruction loads; the first stays, as it is the docstring's place.
fn used_consts(graph: &mut Graph, consts: Vec<Constant>) -> Vec<Constant> {
    let mut used = vec![false; consts.len()];
    if let Some(first) = used.first_mut() {
        *first = true;
    }
    let loads = |graph: &Graph| -> Vec<u32> {
        let instrs = graph
            .order
            .iter()
            .flat_map(|&block| &graph.blocks[block].instrs);
        instrs
            .filter(|instr| instr.op == Op::LoadConst)
            .map(|instr| instr.arg)
            .collect()
    };
    for arg in loads(graph) {
        used[arg as usize] = true;
    }
    let mut new_index = vec![0; consts.len()];
    let mut kept = Vec::with_capacity(consts.len());
    for (i, value) in consts.into_iter().enumerate() {
        new_index[i] = kept.len() as u32;
        if used[i] {
            kept.push(value);
        }
    }
    for &block in &graph.order {
        for instr in graph.blocks[block]
            .instrs
            .iter_mut()
            .filter(|instr| instr.op == Op::LoadConst)
        {
            instr.arg = new_index[instr.arg as usize];
        }
    }
    kept
}

fn prefixes(operand: u32) -> u32 {
    match operand {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xff_ffff => 2,
        _ => 3,
    }
}

/// Unit index of every block; operands of jumps grow with the distance, so this repeats until nothing changes.
fn block_offsets(graph: &Graph) -> Vec<u32> {
    let mut offsets = vec![0u32; graph.blocks.len()];
    loop {
        let mut changed = false;
        let mut at = 0;
        for &index in &graph.order {
            if std::mem::replace(&mut offsets[index], at) != at {
                changed = true;
            }
            for instr in &graph.blocks[index].instrs {
                let operand = if instr.op.jumps() {
                    offsets[instr.target.0 as usize]
                } else {
                    instr.arg
                };
                at += 1 + prefixes(operand);
            }
        }
        if !changed {
            return offsets;
        }
    }
}

type Assembled = (Vec<u8>, Vec<u8>, Vec<u8>);

fn assemble(graph: &Graph, firstlineno: u32) -> Result<Assembled, Failure> {
    let offsets = block_offsets(graph);
    let mut bytecode = Vec::new();
    let mut positions: Vec<Position> = Vec::new();
    let mut entries: Vec<ExceptionEntry> = Vec::new();
    for &index in &graph.order {
        for instr in &graph.blocks[index].instrs {
            let operand = if instr.op.jumps() {
                offsets[instr.target.0 as usize]
            } else {
                instr.arg
            };
            let start = (bytecode.len() / 2) as u32;
            for shift in (1..=prefixes(operand)).rev() {
                bytecode.extend([Op::ExtendedArg as u8, (operand >> (8 * shift)) as u8]);
            }
            bytecode.extend([instr.op as u8, operand as u8]);
            let end = (bytecode.len() / 2) as u32;
            positions.resize(end as usize, instr.pos);
            if instr.handler != Label::NONE {
                guard(graph, &offsets, &mut entries, instr.handler, start, end);
            }
        }
    }
    let linetable = line_table::encode(&positions, firstlineno);
    Ok((bytecode, linetable, exception_table::encode(&entries)))
}

fn guard(
    graph: &Graph,
    offsets: &[u32],
    entries: &mut Vec<ExceptionEntry>,
    handler: Label,
    start: u32,
    end: u32,
) {
    let block = &graph.blocks[handler.0 as usize];
    let entry = ExceptionEntry {
        start,
        end,
        target: offsets[handler.0 as usize],
        depth: block.handler_depth,
        lasti: block.lasti,
    };
    match entries.last_mut() {
        Some(last)
            if last.end == start
                && (last.target, last.depth, last.lasti)
                    == (entry.target, entry.depth, entry.lasti) =>
        {
            last.end = end;
        }
        _ => entries.push(entry),
    }
}
