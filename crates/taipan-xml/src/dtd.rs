//! What declarations say: entities, attributes with types and defaults, content models.

use crate::names::{NameId, Names};
use crate::roles::Quantifier;
use hashbrown::HashMap;
use std::sync::Arc;

/// A general or parameter entity.
#[derive(Clone, Default)]
pub(crate) struct Entity {
    pub name: Arc<str>,
    /// The text of an internal one.
    pub text: Option<Arc<str>>,
    pub system_id: Option<Arc<str>>,
    pub public_id: Option<Arc<str>>,
    pub base: Option<Arc<str>>,
    pub notation: Option<Arc<str>>,
    pub is_param: bool,
    /// It was declared in the document itself.
    pub declared_inside: bool,
    /// It is being expanded.
    pub open: bool,
}

/// A declared attribute.
#[derive(Clone)]
pub(crate) struct DeclaredAttribute {
    pub name: NameId,
    pub is_cdata: bool,
    pub default: Option<Arc<str>>,
}

/// The declared attributes of elements of one name.
#[derive(Clone, Default)]
pub(crate) struct ElementType {
    pub attributes: Vec<DeclaredAttribute>,
    index: HashMap<NameId, usize>,
    /// Any of them is not of type CDATA.
    pub tokenized: bool,
}

impl ElementType {
    pub fn find(&self, name: NameId) -> Option<&DeclaredAttribute> {
        self.attributes.get(*self.index.get(&name)?)
    }

    pub fn knows(&self, name: NameId) -> bool {
        self.index.contains_key(&name)
    }

    pub fn add(&mut self, attribute: DeclaredAttribute) {
        self.index.insert(attribute.name, self.attributes.len());
        self.attributes.push(attribute);
    }
}

/// A namespace prefix.
#[derive(Clone)]
pub(crate) struct Prefix {
    /// No name: what stands for elements without prefix.
    pub name: Option<Arc<str>>,
    pub uri: Option<NameId>,
}

/// All declarations of a document. A parser of an external parameter entity works on its parent's.
#[derive(Clone)]
pub(crate) struct Declarations {
    pub names: Names,
    pub prefixes: Vec<Prefix>,
    prefix_index: HashMap<Arc<str>, usize>,
    pub entities: Vec<Entity>,
    general: HashMap<Arc<str>, usize>,
    parameter: HashMap<Arc<str>, usize>,
    pub elements: Vec<ElementType>,
    /// No declaration was missed, so that what is declared from here on counts.
    pub keep_processing: bool,
    pub has_param_entity_refs: bool,
    pub standalone: bool,
    pub param_entity_read: bool,
}

pub(crate) const DEFAULT_PREFIX: usize = 0;
pub(crate) const XML_PREFIX: usize = 1;

/// The name under which the external subset is a parameter entity.
pub(crate) const EXTERNAL_SUBSET: &str = "#";

impl Declarations {
    pub fn new() -> Declarations {
        let mut names = Names::default();
        let xml = names.intern(XML_NAMESPACE);
        let mut made = Declarations {
            names,
            prefixes: vec![Prefix {
                name: None,
                uri: None,
            }],
            prefix_index: HashMap::new(),
            entities: Vec::new(),
            general: HashMap::new(),
            parameter: HashMap::new(),
            elements: Vec::new(),
            keep_processing: true,
            has_param_entity_refs: false,
            standalone: false,
            param_entity_read: false,
        };
        let prefix = made.prefix("xml");
        made.prefixes[prefix].uri = Some(xml);
        made
    }

    /// The number of a prefix.
    pub fn prefix(&mut self, name: &str) -> usize {
        if let Some(index) = self.prefix_index.get(name) {
            return *index;
        }
        let name: Arc<str> = name.into();
        let index = self.prefixes.len();
        self.prefixes.push(Prefix {
            name: Some(name.clone()),
            uri: None,
        });
        self.prefix_index.insert(name, index);
        index
    }

    pub fn general_entity(&self, name: &str) -> Option<usize> {
        self.general.get(name).copied()
    }

    pub fn param_entity(&self, name: &str) -> Option<usize> {
        self.parameter.get(name).copied()
    }

    /// Declares an entity. `None` if there is one of that name: the first one counts.
    pub fn declare(&mut self, name: &str, is_param: bool, inside: bool) -> Option<usize> {
        let index = self.entities.len();
        let map = if is_param {
            &mut self.parameter
        } else {
            &mut self.general
        };
        if map.contains_key(name) {
            return None;
        }
        let name: Arc<str> = name.into();
        map.insert(name.clone(), index);
        self.entities.push(Entity {
            name,
            is_param,
            declared_inside: inside,
            ..Entity::default()
        });
        Some(index)
    }

    /// The external subset as an entity.
    pub fn external_subset(&mut self) -> usize {
        match self.param_entity(EXTERNAL_SUBSET) {
            Some(index) => index,
            None => self.declare(EXTERNAL_SUBSET, true, false).unwrap_or(0),
        }
    }

    /// The declared attributes of elements of this name.
    pub fn element_type(&self, name: NameId) -> Option<&ElementType> {
        self.elements
            .get(self.names.info(name).element.checked_sub(1)?)
    }

    /// As before, to change them.
    pub fn element_type_mut(&mut self, name: NameId) -> &mut ElementType {
        let count = self.elements.len();
        let entry = self.names.entry(name);
        if entry.element == 0 {
            entry.element = count + 1;
            self.elements.push(ElementType::default());
        }
        let index = entry.element - 1;
        &mut self.elements[index]
    }
}

pub(crate) const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
pub(crate) const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// The kinds of parts of a content model; the numbers are expat's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ContentKind {
    Empty = 1,
    Any,
    Mixed,
    Name,
    Choice,
    Sequence,
}

/// A part of a content model. The parts of a model stand in the order in which they were written, so those inside of a group
/// follow it.
#[derive(Clone, Debug)]
pub struct ContentPart {
    pub kind: ContentKind,
    pub quantifier: Quantifier,
    pub name: Option<Arc<str>>,
    /// Parts directly inside.
    pub children: usize,
    /// Groups around it.
    pub depth: usize,
}

/// A content model while it is read.
#[derive(Default)]
pub(crate) struct ModelBuilder {
    pub parts: Vec<ContentPart>,
    open: Vec<usize>,
    /// What separates the parts of each open group of any declaration that is being read.
    pub separators: Vec<Option<u8>>,
}

impl ModelBuilder {
    pub fn start(&mut self) {
        self.parts.clear();
        self.open.clear();
    }

    pub fn add(&mut self, kind: ContentKind, quantifier: Quantifier, name: Option<Arc<str>>) {
        if let Some(group) = self.open.last() {
            self.parts[*group].children += 1;
        }
        self.parts.push(ContentPart {
            kind,
            quantifier,
            name,
            children: 0,
            depth: self.open.len(),
        });
    }

    pub fn open(&mut self) {
        self.add(ContentKind::Sequence, Quantifier::Once, None);
        self.open.push(self.parts.len() - 1);
    }

    /// The innermost open group.
    pub fn group(&mut self) -> Option<&mut ContentPart> {
        self.parts.get_mut(*self.open.last()?)
    }

    /// Closes a group; true if it was the outermost.
    pub fn close(&mut self, quantifier: Quantifier) -> bool {
        if let Some(group) = self.open.pop() {
            self.parts[group].quantifier = quantifier;
        }
        self.open.is_empty()
    }
}
