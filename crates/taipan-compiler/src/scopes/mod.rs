//! Symbol tables: which names each block binds and where every name in it lives.
//!
//! `build` walks the tree once and records what each block does with each name; `analyze` then decides the scope of
//! every name, from the outermost block inwards and back. Lowering asks the result, so do `symtable` users.

mod analyze;
mod build;

use std::collections::HashMap;
use std::sync::Arc;

use taipan_syntax::TextRange;
use taipan_syntax::ast;

use crate::context::{Context, Failure, Interner};

/// A name, interned for the time of one compilation.
pub type Ident = Arc<str>;

/// What a block does with a name, and (in the high bits of the public value) the scope found for it.
pub mod flags {
    /// `global` statement.
    pub const DEF_GLOBAL: u16 = 1;
    /// Bound in the block.
    pub const DEF_LOCAL: u16 = 2;
    /// Parameter.
    pub const DEF_PARAM: u16 = 4;
    /// `nonlocal` statement.
    pub const DEF_NONLOCAL: u16 = 8;
    /// Read.
    pub const USE: u16 = 16;
    /// Free in a child of a class that also binds it.
    pub const DEF_FREE_CLASS: u16 = 64;
    /// Bound by an import.
    pub const DEF_IMPORT: u16 = 128;
    /// Annotated.
    pub const DEF_ANNOT: u16 = 256;
    /// Iteration variable of a comprehension.
    pub const DEF_COMP_ITER: u16 = 512;
    /// Type parameter.
    pub const DEF_TYPE_PARAM: u16 = 1024;
    /// A cell of an inlined comprehension.
    pub const DEF_COMP_CELL: u16 = 2048;
    /// Bound in any way.
    pub const DEF_BOUND: u16 = DEF_LOCAL | DEF_PARAM | DEF_IMPORT | DEF_TYPE_PARAM;
}

/// Where a name lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum NameScope {
    /// In the block itself.
    Local = 1,
    /// Global by a `global` statement.
    GlobalExplicit = 2,
    /// Not bound in any enclosing function: global or built-in.
    GlobalImplicit = 3,
    /// In a cell of an enclosing block.
    Free = 4,
    /// In a cell made by this block.
    Cell = 5,
}

/// The kinds of block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum BlockKind {
    /// A module, interactive statement or evaluated expression.
    Module,
    /// A class body.
    Class,
    /// A function, lambda or comprehension.
    Function,
    /// The lazily evaluated annotations of a function, class or module.
    Annotation,
    /// The value of a `type` statement.
    TypeAlias,
    /// The block around a generic function, class or alias that holds its type parameters.
    TypeParameters,
    /// A bound, constraint or default of a type parameter.
    TypeVariable,
}

/// The kinds of comprehension.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ComprehensionKind {
    /// `[...]`
    List,
    /// `{...}`
    Set,
    /// `{k: v ...}`
    Dict,
    /// `(...)`
    Generator,
}

/// One name in one block.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// The name, mangled.
    pub name: Ident,
    /// Bits of [`flags`].
    pub flags: u16,
    /// Where it lives; set by the analysis.
    pub scope: NameScope,
}

/// The names of a block, in the order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    list: Vec<Symbol>,
    index: HashMap<Ident, usize>,
}

impl Symbols {
    /// The symbol of a (mangled) name.
    pub fn get(&self, name: &str) -> Option<&Symbol> {
        self.index.get(name).map(|&i| &self.list[i])
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Symbol> {
        self.list.iter()
    }

    pub(crate) fn flags_of(&self, name: &str) -> u16 {
        self.get(name).map_or(0, |symbol| symbol.flags)
    }

    pub(crate) fn entry(&mut self, name: &Ident) -> &mut Symbol {
        let next = self.list.len();
        let i = *self.index.entry(Arc::clone(name)).or_insert(next);
        if i == next {
            self.list.push(Symbol {
                name: Arc::clone(name),
                flags: 0,
                scope: NameScope::GlobalImplicit,
            });
        }
        &mut self.list[i]
    }

    fn iter_mut(&mut self) -> std::slice::IterMut<'_, Symbol> {
        self.list.iter_mut()
    }
}

/// Index of a block in its table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct BlockId(pub(crate) u32);

/// A block and what is known about it.
#[derive(Clone, Debug)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its name.
    pub name: Ident,
    /// Where it is.
    pub range: TextRange,
    /// The enclosing block.
    pub parent: Option<BlockId>,
    /// Blocks directly inside.
    pub children: Vec<BlockId>,
    /// Its names.
    pub symbols: Symbols,
    /// Parameters in order.
    pub params: Vec<Ident>,
    /// Inside a function.
    pub nested: bool,
    /// Has a `yield`.
    pub generator: bool,
    /// `async def`, or an asynchronous comprehension.
    pub coroutine: bool,
    /// The comprehension that it is.
    pub comprehension: Option<ComprehensionKind>,
    /// A comprehension lowered into its parent.
    pub inlined: bool,
    /// Has free names.
    pub free: bool,
    /// A child has free names.
    pub child_free: bool,
    /// Takes `*args`.
    pub varargs: bool,
    /// Takes `**kwargs`.
    pub varkeywords: bool,
    /// A class whose `__class__` cell is used.
    pub needs_class_closure: bool,
    /// A class whose namespace is used by an annotation scope.
    pub needs_classdict: bool,
    /// An annotation scope directly in a class.
    pub can_see_class_scope: bool,
    /// A function in a class body.
    pub method: bool,
    /// Has a docstring.
    pub has_docstring: bool,
    /// Annotations may or may not be executed; `__conditional_annotations__` records which.
    pub conditional_annotations: bool,
    /// Has variable annotations.
    pub annotations_used: bool,
    /// Names that are mangled in the type parameter block of a class (no others are).
    pub(crate) mangled_names: Option<Vec<Ident>>,
    /// `global` and `nonlocal` statements (for error positions).
    pub(crate) directives: Vec<(Ident, TextRange)>,
    pub(crate) in_conditional: bool,
    pub(crate) iter_target: bool,
    pub(crate) iter_expr: u32,
    /// What a type variable block is, for error texts.
    pub(crate) info: &'static str,
}

impl Block {
    /// Whether locals of the block live in fast slots.
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, BlockKind::Module | BlockKind::Class)
    }

    /// Where a (mangled) name lives.
    pub fn scope_of(&self, name: &str) -> Option<NameScope> {
        self.symbols.get(name).map(|symbol| symbol.scope)
    }
}

/// Identifies the node that a block belongs to: the node's address and the block's role.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key(usize, Role);

/// The different blocks one node can have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Role {
    Body,
    Annotations,
    TypeParams,
    Value,
}

impl Key {
    pub(crate) fn of<T>(node: &T, role: Role) -> Key {
        Key(std::ptr::from_ref(node) as usize, role)
    }

    /// The annotations of the whole module or class block.
    pub(crate) fn annotations_of_block(id: BlockId) -> Key {
        Key(id.0 as usize, Role::Annotations)
    }
}

/// All blocks of one source.
#[derive(Debug)]
pub struct SymbolTable {
    blocks: Vec<Block>,
    keys: HashMap<Key, BlockId>,
}

impl SymbolTable {
    /// Are private names like this one mangled in a block? In the type parameters and bases of a class, and in what is nested
    /// in them, only those of the parameters are.
    pub(crate) fn mangles(&self, id: BlockId, name: &Ident) -> bool {
        let mut at = Some(id);
        while let Some(id) = at {
            let block = self.block(id);
            if let Some(names) = &block.mangled_names {
                return names.contains(name);
            }
            at = block.parent.filter(|_| block.kind != BlockKind::Class);
        }
        true
    }

    /// The outermost block.
    pub const TOP: BlockId = BlockId(0);

    /// Builds and analyses the table of a tree.
    pub(crate) fn build(
        tree: &ast::Mod,
        context: &Context<'_>,
        interner: &mut Interner,
        future_annotations: bool,
    ) -> Result<SymbolTable, Failure> {
        let mut table = build::build(tree, context, interner, future_annotations)?;
        analyze::analyze(&mut table)?;
        Ok(table)
    }

    /// The numbers of all blocks; that of a block is higher than that of the block around it.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = BlockId> + use<> {
        (0..self.blocks.len() as u32).map(BlockId)
    }

    /// A block.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    pub(crate) fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }

    pub(crate) fn find(&self, key: Key) -> Option<BlockId> {
        self.keys.get(&key).copied()
    }
}

/// The name as it is stored: `__x` in a class `C` becomes `_C__x`.
pub(crate) fn mangle(private: Option<&str>, name: &Ident, interner: &mut Interner) -> Ident {
    let Some(class) = private else {
        return Arc::clone(name);
    };
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return Arc::clone(name);
    }
    let class = class.trim_start_matches('_');
    if class.is_empty() {
        return Arc::clone(name);
    }
    interner.intern(&format!("_{class}{name}"))
}
