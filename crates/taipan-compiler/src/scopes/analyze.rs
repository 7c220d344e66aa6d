//! Decides where every name lives.

use std::collections::HashSet;

use super::flags::*;
use super::{Block, BlockId, BlockKind, ComprehensionKind, Ident, NameScope, Symbol, SymbolTable};
use crate::context::{Failure, with_stack};

type Names = HashSet<Ident>;

/// Names that a class makes available to the functions in it without binding them.
const CLASS_CELLS: [&str; 3] = ["__class__", "__classdict__", "__conditional_annotations__"];

/// Analyses all blocks.
pub(super) fn analyze(table: &mut SymbolTable) -> Result<(), Failure> {
    let mut free = Names::new();
    let outer = Outer {
        bound: None,
        global: Names::new(),
        type_params: Names::new(),
        class: None,
    };
    analyze_block(table, SymbolTable::TOP, outer, &mut free)
}

/// What a block inherits; each block gets its own copy.
struct Outer {
    /// Names bound in enclosing functions; `None` in the module.
    bound: Option<Names>,
    /// Names declared global in enclosing blocks.
    global: Names,
    /// Names that are type parameters.
    type_params: Names,
    /// The class whose names an annotation scope sees first.
    class: Option<BlockId>,
}

fn directive_error(block: &Block, name: &Ident, message: String) -> Failure {
    let range = block
        .directives
        .iter()
        .find(|d| d.0 == *name)
        .map_or(block.range, |d| d.1);
    Failure::new(message, range)
}

fn analyze_block(
    table: &mut SymbolTable,
    id: BlockId,
    mut outer: Outer,
    free: &mut Names,
) -> Result<(), Failure> {
    let mut local = Names::new();
    let mut inlined_cells = Names::new();
    let is_class = table.block(id).kind == BlockKind::Class;
    // Names of a class are not visible in the functions inside, so the children start from what came in.
    let before = is_class.then(|| (outer.bound.clone(), outer.global.clone()));
    for i in 0..table.block(id).symbols.list.len() {
        let symbol = &table.block(id).symbols.list[i];
        let (name, name_flags) = (symbol.name.clone(), symbol.flags);
        let scope = analyze_name(table, id, &name, name_flags, &mut outer, &mut local, free)?;
        table.block_mut(id).symbols.list[i].scope = scope;
    }
    let (bound, global) = match before {
        Some((bound, global)) => {
            let mut bound = bound.unwrap_or_default();
            bound.extend(CLASS_CELLS.map(Ident::from));
            (bound, global)
        }
        None => {
            let mut bound = outer.bound.clone().unwrap_or_default();
            if table.block(id).is_function_like() {
                bound.extend(local.iter().cloned());
            }
            (bound, outer.global.clone())
        }
    };
    let mut new_free = Names::new();
    for child in table.block(id).children.clone() {
        let class = if !table.block(child).can_see_class_scope {
            None
        } else if is_class {
            Some(id)
        } else {
            outer.class
        };
        let child_outer = Outer {
            bound: Some(bound.clone()),
            global: global.clone(),
            type_params: outer.type_params.clone(),
            class,
        };
        let mut child_free = Names::new();
        with_stack(|| analyze_block(table, child, child_outer, &mut child_free))?;
        let comprehension = table.block(child).comprehension;
        let inline = comprehension.is_some_and(|kind| kind != ComprehensionKind::Generator);
        if inline && !table.block(id).can_see_class_scope {
            inline_comprehension(table, id, child, &mut child_free, &mut inlined_cells);
        }
        new_free.extend(child_free);
        let child = table.block(child);
        if child.free || child.child_free {
            table.block_mut(id).child_free = true;
        }
    }
    splice_inlined_children(table, id);
    let block = table.block_mut(id);
    if block.is_function_like() {
        analyze_cells(block, &mut new_free, &inlined_cells);
    } else if is_class {
        drop_class_free(block, &mut new_free);
    }
    update_symbols(block, outer.bound.as_ref(), &new_free, &inlined_cells);
    free.extend(new_free);
    Ok(())
}

fn analyze_name(
    table: &mut SymbolTable,
    id: BlockId,
    name: &Ident,
    name_flags: u16,
    outer: &mut Outer,
    local: &mut Names,
    free: &mut Names,
) -> Result<NameScope, Failure> {
    if name_flags & DEF_GLOBAL != 0 {
        if name_flags & DEF_NONLOCAL != 0 {
            let message = format!("name '{name}' is nonlocal and global");
            return Err(directive_error(table.block(id), name, message));
        }
        outer.global.insert(name.clone());
        if let Some(bound) = &mut outer.bound {
            bound.remove(name);
        }
        return Ok(NameScope::GlobalExplicit);
    }
    if name_flags & DEF_NONLOCAL != 0 {
        let message = match &outer.bound {
            None => "nonlocal declaration not allowed at module level".to_owned(),
            Some(bound) if !bound.contains(name) => {
                format!("no binding for nonlocal '{name}' found")
            }
            Some(_) if outer.type_params.contains(name) => {
                format!("nonlocal binding not allowed for type parameter '{name}'")
            }
            Some(_) => {
                table.block_mut(id).free = true;
                free.insert(name.clone());
                return Ok(NameScope::Free);
            }
        };
        return Err(directive_error(table.block(id), name, message));
    }
    if name_flags & DEF_BOUND != 0 {
        local.insert(name.clone());
        outer.global.remove(name);
        if name_flags & DEF_TYPE_PARAM != 0 {
            outer.type_params.insert(name.clone());
        } else {
            outer.type_params.remove(name);
        }
        return Ok(NameScope::Local);
    }
    if let Some(class) = outer.class
        && !CLASS_CELLS.contains(&&**name)
    {
        let class_flags = table.block(class).symbols.flags_of(name);
        if class_flags & DEF_GLOBAL != 0 {
            return Ok(NameScope::GlobalExplicit);
        }
        if class_flags & DEF_BOUND != 0 && class_flags & DEF_NONLOCAL == 0 {
            return Ok(NameScope::GlobalImplicit);
        }
    }
    if outer
        .bound
        .as_ref()
        .is_some_and(|bound| bound.contains(name))
    {
        table.block_mut(id).free = true;
        free.insert(name.clone());
        return Ok(NameScope::Free);
    }
    if !outer.global.contains(name) && table.block(id).nested {
        table.block_mut(id).free = true;
    }
    Ok(NameScope::GlobalImplicit)
}

/// Moves the names of a comprehension that will be lowered inside its parent into that parent.
fn inline_comprehension(
    table: &mut SymbolTable,
    id: BlockId,
    child: BlockId,
    child_free: &mut Names,
    inlined_cells: &mut Names,
) {
    let is_class = table.block(id).kind == BlockKind::Class;
    let symbols = table.block(child).symbols.clone();
    for symbol in symbols.iter() {
        if symbol.flags & DEF_PARAM != 0 {
            continue;
        }
        note_use(table, id, symbol);
        if symbol.scope == NameScope::Cell || symbol.flags & DEF_COMP_CELL != 0 {
            inlined_cells.insert(symbol.name.clone());
        }
        match table.block(id).symbols.get(&symbol.name) {
            None => {
                let mut scope = symbol.scope;
                if scope == NameScope::Free && is_class && CLASS_CELLS.contains(&&*symbol.name) {
                    scope = NameScope::GlobalImplicit;
                    // Functions inside the comprehension still get the class's cell.
                    if !free_in_children(table, child, &symbol.name) {
                        child_free.remove(&symbol.name);
                    }
                }
                let entry = table.block_mut(id).symbols.entry(&symbol.name);
                (entry.flags, entry.scope) = (symbol.flags, scope);
            }
            Some(existing) if existing.flags & DEF_BOUND != 0 && !is_class => {
                if !free_in_children(table, child, &symbol.name) {
                    child_free.remove(&symbol.name);
                }
            }
            Some(_) => {}
        }
    }
    table.block_mut(child).inlined = true;
}

fn free_in_children(table: &SymbolTable, id: BlockId, name: &Ident) -> bool {
    let mut children = table.block(id).children.iter();
    children.any(|&child| table.block(child).scope_of(name) == Some(NameScope::Free))
}

/// A name that the comprehension reads from around it is read by its parent, now that the code is there.
fn note_use(table: &mut SymbolTable, id: BlockId, symbol: &Symbol) {
    let own = matches!(symbol.scope, NameScope::Local | NameScope::Cell);
    if symbol.flags & USE == 0 || own {
        return;
    }
    let block = table.block(id);
    let known = block.symbols.flags_of(&symbol.name);
    // Comprehensions do not see the names of a class.
    let hidden = block.kind == BlockKind::Class && known & DEF_BOUND != 0;
    if !hidden && block.symbols.get(&symbol.name).is_some() {
        table.block_mut(id).symbols.entry(&symbol.name).flags |= USE;
    }
}

fn splice_inlined_children(table: &mut SymbolTable, id: BlockId) {
    let children = std::mem::take(&mut table.block_mut(id).children);
    let mut flat = Vec::with_capacity(children.len());
    for child in children {
        if table.block(child).inlined {
            flat.extend(table.block(child).children.iter().copied());
        } else {
            flat.push(child);
        }
    }
    table.block_mut(id).children = flat;
}

fn analyze_cells(block: &mut Block, free: &mut Names, inlined_cells: &Names) {
    for symbol in block.symbols.iter_mut() {
        if symbol.scope == NameScope::Local
            && (free.contains(&symbol.name) || inlined_cells.contains(&symbol.name))
        {
            symbol.scope = NameScope::Cell;
            free.remove(&symbol.name);
        }
    }
}

fn drop_class_free(block: &mut Block, free: &mut Names) {
    block.needs_class_closure |= free.remove("__class__");
    block.needs_classdict |= free.remove("__classdict__");
    block.conditional_annotations |= free.remove("__conditional_annotations__");
}

fn update_symbols(block: &mut Block, bound: Option<&Names>, free: &Names, inlined_cells: &Names) {
    for symbol in block.symbols.iter_mut() {
        if inlined_cells.contains(&symbol.name) {
            symbol.flags |= DEF_COMP_CELL;
        }
    }
    let class_like = block.kind == BlockKind::Class || block.can_see_class_scope;
    for name in free {
        if block.symbols.get(name).is_some() {
            if class_like {
                block.symbols.entry(name).flags |= DEF_FREE_CLASS;
            }
        } else if bound.is_none_or(|bound| bound.contains(name)) {
            block.symbols.entry(name).scope = NameScope::Free;
        }
    }
}
