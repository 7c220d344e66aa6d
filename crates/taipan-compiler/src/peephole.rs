//! Local improvements: jumps to jumps, comparisons with None, swaps through tuples.

use taipan_bytecode::{Constant, Op};

use crate::flowgraph::Graph;
use crate::fold;
use crate::lower::ir::{Instr, Label};

/// Improves the graph; positions are not settled yet.
pub(crate) fn optimize(graph: &mut Graph, consts: &[Constant]) {
    for index in graph.order.clone() {
        within_block(&mut graph.blocks[index].instrs, consts);
    }
    thread_jumps(graph);
    graph.remove_unreachable();
}

fn make_nop(instr: &mut Instr) {
    (instr.op, instr.arg, instr.target) = (Op::Nop, 0, Label::NONE);
}

fn within_block(instrs: &mut [Instr], consts: &[Constant]) {
    let mut i = 0;
    while i < instrs.len() {
        let next = instrs.get(i + 1).copied();
        let after = instrs.get(i + 2).copied();
        let Some(next) = next else { break };
        match (instrs[i].op, next.op) {
            (Op::LoadConst, Op::IsOp)
                if consts.get(instrs[i].arg as usize) == Some(&Constant::None)
                    && after.is_some_and(|a| {
                        matches!(a.op, Op::PopJumpIfFalse | Op::PopJumpIfTrue)
                    }) =>
            {
                let jump = &mut instrs[i + 2];
                let none = (next.arg == 0) == (jump.op == Op::PopJumpIfTrue);
                jump.op = if none {
                    Op::PopJumpIfNone
                } else {
                    Op::PopJumpIfNotNone
                };
                make_nop(&mut instrs[i]);
                make_nop(&mut instrs[i + 1]);
            }
            (Op::LoadConst, Op::JumpIfFalseOrPop | Op::JumpIfTrueOrPop) => {
                if let Some(value) = consts.get(instrs[i].arg as usize) {
                    if fold::truth(value) == (next.op == Op::JumpIfTrueOrPop) {
                        instrs[i + 1].op = Op::JumpAbsolute;
                    } else {
                        make_nop(&mut instrs[i]);
                        make_nop(&mut instrs[i + 1]);
                    }
                }
            }
            (Op::UnaryNot, Op::PopJumpIfFalse) => {
                make_nop(&mut instrs[i]);
                instrs[i + 1].op = Op::PopJumpIfTrue;
            }
            (Op::UnaryNot, Op::PopJumpIfTrue) => {
                make_nop(&mut instrs[i]);
                instrs[i + 1].op = Op::PopJumpIfFalse;
            }
            (Op::IsOp | Op::ContainsOp, Op::UnaryNot) => {
                instrs[i].arg ^= 1;
                make_nop(&mut instrs[i + 1]);
            }
            (Op::BuildTuple, Op::UnpackSequence) if instrs[i].arg == next.arg => match next.arg {
                1 => {
                    make_nop(&mut instrs[i]);
                    make_nop(&mut instrs[i + 1]);
                }
                2 => {
                    (instrs[i].op, instrs[i].arg) = (Op::RotTwo, 0);
                    make_nop(&mut instrs[i + 1]);
                }
                3 => {
                    (instrs[i].op, instrs[i].arg) = (Op::RotThree, 0);
                    (instrs[i + 1].op, instrs[i + 1].arg) = (Op::RotTwo, 0);
                }
                _ => {}
            },
            (Op::RotTwo, Op::RotTwo) => {
                make_nop(&mut instrs[i]);
                make_nop(&mut instrs[i + 1]);
            }
            _ => {}
        }
        i += 1;
    }
}

/// Sends jumps that lead to jumps to where those go.
fn thread_jumps(graph: &mut Graph) {
    let places = graph.places();
    for &index in &graph.order.clone() {
        // A cycle of jumps would go round for ever.
        for _ in 0..16 {
            let Some(jump) = graph.blocks[index].instrs.last().copied() else {
                break;
            };
            if !jump.op.jumps() || jump.op == Op::ForIter {
                break;
            }
            let Some(filled) = graph.first_filled(&places, jump.target.0 as usize) else {
                break;
            };
            let target = graph.blocks[filled].instrs[0];
            let Some((op, to)) = threaded(graph, &places, &jump, &target, filled) else {
                break;
            };
            let backward = op != Op::JumpAbsolute && places[to.0 as usize] <= places[index];
            if backward || to == jump.target && op == jump.op {
                break;
            }
            if let Some(last) = graph.blocks[index].instrs.last_mut() {
                (last.op, last.target) = (op, to);
            }
        }
    }
}

/// What a jump becomes whose target is the given instruction, first in its block.
fn threaded(
    graph: &Graph,
    places: &[usize],
    jump: &Instr,
    target: &Instr,
    block: usize,
) -> Option<(Op, Label)> {
    let same_line = !target.pos.is_some() || target.pos.line == jump.pos.line;
    if target.op == Op::JumpAbsolute && same_line {
        return Some((jump.op, target.target));
    }
    let after = || {
        let place = places[block];
        graph
            .order
            .get(place + 1)
            .map(|next| Label(*next as u32))
            .filter(|_| graph.blocks[block].instrs.len() == 1)
    };
    let pop_jump = |op| {
        if op == Op::JumpIfFalseOrPop {
            Op::PopJumpIfFalse
        } else {
            Op::PopJumpIfTrue
        }
    };
    match (jump.op, target.op) {
        (Op::JumpIfFalseOrPop, Op::JumpIfFalseOrPop)
        | (Op::JumpIfTrueOrPop, Op::JumpIfTrueOrPop) => Some((jump.op, target.target)),
        (Op::JumpIfFalseOrPop, Op::PopJumpIfFalse) | (Op::JumpIfTrueOrPop, Op::PopJumpIfTrue) => {
            Some((pop_jump(jump.op), target.target))
        }
        (Op::JumpIfFalseOrPop, Op::JumpIfTrueOrPop | Op::PopJumpIfTrue)
        | (Op::JumpIfTrueOrPop, Op::JumpIfFalseOrPop | Op::PopJumpIfFalse) => {
            Some((pop_jump(jump.op), after()?))
        }
        _ => None,
    }
}
