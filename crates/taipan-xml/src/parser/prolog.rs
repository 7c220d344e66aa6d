//! The prolog, the document type declaration, external subsets and parameter entities: what each token does.

use super::{ParamEntityParsing, Parser, Phase, Progress, Span, Step, Stepped};
use crate::chars::{is_public_id, is_space};
use crate::dtd::Entity;
use crate::error::ErrorCode;
use crate::event::interest as want;
use crate::names::NameId;
use crate::roles::{Kind, Role};
use crate::scan::{Range, Stop};
use crate::scan_prolog::Mark;
use std::sync::Arc;

/// What the declaration that is being read has said so far, and what the last event lends.
#[derive(Default)]
pub(super) struct Declared {
    pub version: Option<Arc<str>>,
    pub encoding: Option<Arc<str>>,
    pub encoding_at: usize,
    pub standalone: Option<bool>,
    pub doctype: Option<Arc<str>>,
    pub doctype_system: Option<Arc<str>>,
    pub doctype_public: Option<Arc<str>>,
    /// The document type declaration names an external subset.
    pub has_external_subset: bool,
    /// The entity that is being declared.
    pub entity: Option<usize>,
    pub notation: Option<Arc<str>>,
    pub notation_public: Option<Arc<str>>,
    pub element: Option<Arc<str>>,
    pub element_id: Option<NameId>,
    pub attribute: Option<Arc<str>>,
    pub attribute_id: Option<NameId>,
    /// An attribute's type as it is told.
    pub kind: String,
    pub is_cdata: bool,
    pub default: Option<Arc<str>>,
    pub in_element: bool,
    /// What the last event about an entity or notation says.
    pub event: Entity,
    pub context: Option<Arc<str>>,
    /// The beginning of the document type was told.
    doctype_told: bool,
    /// In an `<![IGNORE[` section.
    ignoring: bool,
}

/// Something to do after the event before it was handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Task {
    XmlDecl {
        start: usize,
        end: usize,
    },
    FindEncoding,
    AskEncoding,
    UseEncoding {
        from_start: bool,
    },
    Settle,
    Emit(Step),
    /// Tells the token as it was written, unless something was told of it already.
    Default {
        start: usize,
        end: usize,
    },
    CheckStandalone,
    AfterCheckStandalone,
    ExternalSubset,
    AfterExternalSubset {
        had_references: bool,
    },
    EndDoctype,
    StartContent,
    AfterExternalParam {
        index: usize,
    },
    AskExternal,
    AfterExternal,
}

impl Parser {
    /// One token of the prolog.
    pub(super) fn prolog(&mut self) -> Result<Progress, ErrorCode> {
        self.scratch.clear();
        if self.declared.ignoring {
            return self.ignored_section();
        }
        let (text, start) = self.current();
        let scanned = Parser::scanner(text, self.namespaces).prolog(start);
        self.set_event(start);
        let (mark, end, open) = match scanned {
            Ok(scanned) => scanned,
            Err(Stop::Partial) => return self.partial(),
            Err(Stop::Invalid(at)) => return self.invalid_at(at),
        };
        if mark == Mark::End {
            return self.end_of_prolog_text();
        }
        if open && self.open.is_empty() && (!self.doc.last || self.doc.is_stuck()) {
            return self.partial();
        }
        self.move_to(end);
        self.account(end - start)?;
        let text = match self.open.last() {
            None => self.doc.text(),
            Some(entity) => &*entity.text,
        };
        let role = self.roles.step(mark, &text[start..end]);
        if !matches!(role, Role::XmlDecl | Role::TextDecl) {
            self.settle(None)?;
        }
        if role == Role::Error {
            return Err(match mark {
                Mark::ParamEntityRef => ErrorCode::ParamEntityRef,
                Mark::XmlDecl => ErrorCode::MisplacedXmlPi,
                _ => ErrorCode::Syntax,
            });
        }
        let handled = self.play(role, mark, Range::new(start, end))?;
        if !handled {
            self.tasks.push_back(Task::Default { start, end });
        }
        Ok(Progress::Again)
    }

    fn end_of_prolog_text(&mut self) -> Result<Progress, ErrorCode> {
        if let Some(entity) = self.open.last() {
            if entity.between_declarations && self.roles.step(Mark::End, "") == Role::Error {
                return Err(ErrorCode::IncompletePe);
            }
            self.close_entity();
            return Ok(Progress::Again);
        }
        if self.doc.is_stuck() || self.doc.last && self.doc.has_rest() {
            return self.partial();
        }
        if !self.doc.last {
            return Ok(Progress::NeedMore);
        }
        if !self.param_entity {
            return Err(ErrorCode::NoElements);
        }
        match self.roles.step(Mark::End, "") {
            Role::Error => Err(ErrorCode::IncompletePe),
            _ => Ok(Progress::NeedMore),
        }
    }

    /// The rest of an `<![IGNORE[` section.
    fn ignored_section(&mut self) -> Result<Progress, ErrorCode> {
        let (text, start) = self.current();
        let scanned = Parser::scanner(text, self.namespaces).ignored_section(start);
        self.set_event(start);
        match scanned {
            Ok(end) => {
                self.declared.ignoring = false;
                self.move_to(end);
                self.account(end - start)?;
                Ok(self.default_step(start, end))
            }
            Err(_) => match self.partial() {
                Err(ErrorCode::UnclosedToken) => Err(ErrorCode::Syntax),
                other => other,
            },
        }
    }

    /// Does what comes next in the order of things.
    pub(super) fn run_task(&mut self, task: Task) -> Stepped {
        match task {
            Task::XmlDecl { start, end } => return Ok(self.xml_decl_step(start, end)),
            Task::FindEncoding => self.find_encoding()?,
            Task::AskEncoding => {
                self.table = None;
                if self.wants(want::UNKNOWN_ENCODING) {
                    return Ok(Some(Step::UnknownEncoding));
                }
            }
            Task::UseEncoding { from_start } => self.use_encoding(from_start)?,
            Task::Settle => self.settle(None)?,
            Task::Emit(step) => return Ok(Some(step)),
            Task::Default { start, end } => {
                if self.wants(want::DEFAULT) {
                    return Ok(Some(Step::Default(Span::current(start, end))));
                }
            }
            Task::CheckStandalone => return Ok(self.check_standalone()),
            Task::AfterCheckStandalone if !self.answer => return Err(ErrorCode::NotStandalone),
            Task::AfterCheckStandalone => {}
            Task::ExternalSubset => self.external_subset(),
            Task::AfterExternalSubset { had_references } => {
                self.check_answer()?;
                if self.decls.param_entity_read {
                    self.tasks.push_front(Task::CheckStandalone);
                } else if !self.declared.has_external_subset {
                    self.decls.has_param_entity_refs = had_references;
                }
            }
            Task::EndDoctype => {
                if self.wants(want::END_DOCTYPE) {
                    return Ok(Some(Step::EndDoctype));
                }
            }
            Task::StartContent => self.phase = Phase::Content,
            Task::AfterExternalParam { index } => {
                self.decls.entities[index].open = false;
                self.check_answer()?;
                if self.decls.param_entity_read {
                    self.tasks.push_front(Task::CheckStandalone);
                } else {
                    self.decls.keep_processing = self.decls.standalone;
                }
            }
            Task::AskExternal => {
                self.answer = true;
                self.lend();
                return Ok(Some(Step::External));
            }
            Task::AfterExternal => self.check_answer()?,
        }
        Ok(None)
    }

    fn check_answer(&self) -> Result<(), ErrorCode> {
        match self.answer {
            true => Ok(()),
            false => Err(ErrorCode::ExternalEntityHandling),
        }
    }

    fn check_standalone(&mut self) -> Option<Step> {
        if self.decls.standalone || !self.wants(want::NOT_STANDALONE) {
            return None;
        }
        self.answer = true;
        self.tasks.push_front(Task::AfterCheckStandalone);
        Some(Step::NotStandalone)
    }

    /// The reference to an external general entity becomes an event.
    pub(super) fn ask_external_entity(&mut self, index: usize) {
        self.decls.entities[index].open = true;
        self.declared.context = Some(self.context().into());
        self.decls.entities[index].open = false;
        self.declared.event = self.decls.entities[index].clone();
        self.tasks.push_back(Task::AskExternal);
        self.tasks.push_back(Task::AfterExternal);
    }

    /// Asks for the external subset, if parameter entities are read.
    fn external_subset(&mut self) {
        let had_references = self.decls.has_param_entity_refs;
        self.decls.has_param_entity_refs = true;
        let foreign = std::mem::take(&mut self.foreign_dtd);
        if self.param_entity_parsing == ParamEntityParsing::Never
            || !self.wants(want::EXTERNAL_ENTITY)
        {
            return;
        }
        let index = self.decls.external_subset();
        if foreign {
            self.decls.entities[index].base = self.base.clone();
        }
        self.decls.param_entity_read = false;
        self.declared.context = None;
        self.declared.event = self.decls.entities[index].clone();
        self.tasks
            .push_front(Task::AfterExternalSubset { had_references });
        self.tasks.push_front(Task::AskExternal);
    }

    /// Does what a token means. True if it was told to somebody who wanted it.
    fn play(&mut self, role: Role, mark: Mark, token: Range) -> Result<bool, ErrorCode> {
        match role {
            Role::XmlDecl | Role::TextDecl => {
                self.xml_declaration(token.start, token.end, role == Role::TextDecl)?;
                Ok(true)
            }
            Role::InstanceStart => {
                if self.foreign_dtd {
                    self.tasks.push_back(Task::ExternalSubset);
                }
                self.tasks.push_back(Task::StartContent);
                Ok(true)
            }
            Role::Pi | Role::Comment => {
                let told = match mark {
                    Mark::Pi { target, data } => self.pi_step(target, data, token.start, token.end),
                    Mark::Comment { text } => self.comment_step(text, token.start, token.end),
                    _ => Progress::Again,
                };
                if let Progress::Step(step) = told {
                    self.tasks.push_back(Task::Emit(step));
                }
                Ok(true)
            }
            Role::ParamEntityRef | Role::InnerParamEntityRef => {
                self.param_entity_reference(role, token)
            }
            Role::IgnoreSection => {
                self.declared.ignoring = true;
                Ok(false)
            }
            Role::None | Role::Error => Ok(false),
            Role::Inside(kind) => Ok(self.belongs(kind)),
            Role::DoctypeName
            | Role::DoctypePublicId
            | Role::DoctypeSystemId
            | Role::DoctypeInternalSubset
            | Role::DoctypeClose => self.doctype_role(role, token),
            Role::GeneralEntityName
            | Role::ParamEntityName
            | Role::EntityValue
            | Role::EntityPublicId
            | Role::EntitySystemId
            | Role::EntityComplete
            | Role::EntityNotationName => self.entity_role(role, token),
            Role::NotationName
            | Role::NotationPublicId
            | Role::NotationSystemId
            | Role::NotationNoSystemId => self.notation_role(role, token),
            Role::AttlistElementName
            | Role::AttributeName
            | Role::AttributeType
            | Role::AttributeEnumValue
            | Role::AttributeNotationValue
            | Role::ImpliedAttribute
            | Role::RequiredAttribute
            | Role::DefaultAttribute
            | Role::FixedAttribute => self.attlist_role(role, token),
            role => self.element_role(role, token),
        }
    }

    /// Is there somebody who hears of declarations of this kind as a whole?
    fn belongs(&self, kind: Kind) -> bool {
        let keep = self.decls.keep_processing;
        match kind {
            Kind::Doctype => self.wants(want::START_DOCTYPE),
            Kind::Entity => keep && self.wants(want::ENTITY_DECL),
            Kind::Notation => self.wants(want::NOTATION),
            Kind::Attlist => keep && self.wants(want::ATTLIST_DECL),
            Kind::Element => self.wants(want::ELEMENT_DECL),
        }
    }

    pub(super) fn token_text(&self, token: Range) -> Arc<str> {
        token.of(self.current().0).into()
    }

    /// A literal without its quotes.
    pub(super) fn literal(&self, token: Range) -> Arc<str> {
        Range::new(token.start + 1, token.end - 1)
            .of(self.current().0)
            .into()
    }

    /// A public identifier with even white space.
    pub(super) fn public_id(&mut self, token: Range) -> Result<Arc<str>, ErrorCode> {
        let (text, _) = self.current();
        let bytes = &text.as_bytes()[token.start + 1..token.end - 1];
        if let Some(bad) = bytes.iter().position(|byte| !is_public_id(*byte)) {
            self.set_event(token.start + 1 + bad);
            return Err(ErrorCode::PublicId);
        }
        let words: Vec<&str> = text[token.start + 1..token.end - 1]
            .split(|c: char| is_space(c as u32 as u8))
            .filter(|word| !word.is_empty())
            .collect();
        Ok(words.join(" ").into())
    }

    fn doctype_role(&mut self, role: Role, token: Range) -> Result<bool, ErrorCode> {
        let wanted = self.wants(want::START_DOCTYPE);
        match role {
            Role::DoctypeName => {
                if wanted {
                    self.declared.doctype = Some(self.token_text(token));
                    self.declared.doctype_public = None;
                    self.declared.doctype_system = None;
                }
                Ok(wanted)
            }
            Role::DoctypeInternalSubset => {
                if wanted {
                    self.tasks
                        .push_back(Task::Emit(Step::StartDoctype { internal: true }));
                    self.declared.doctype_told = true;
                }
                Ok(wanted)
            }
            Role::DoctypePublicId => {
                self.foreign_dtd = false;
                self.decls.has_param_entity_refs = true;
                let index = self.decls.external_subset();
                let id = self.public_id(token)?;
                if self.decls.keep_processing {
                    self.decls.entities[index].public_id = Some(id.clone());
                }
                if wanted {
                    self.declared.doctype_public = Some(id);
                }
                Ok(wanted)
            }
            Role::DoctypeSystemId => {
                self.foreign_dtd = false;
                self.decls.has_param_entity_refs = true;
                self.declared.has_external_subset = true;
                let id = self.literal(token);
                if wanted {
                    self.declared.doctype_system = Some(id.clone());
                }
                let index = self.decls.external_subset();
                if self.decls.keep_processing {
                    let base = self.base.clone();
                    let entity = &mut self.decls.entities[index];
                    entity.system_id = Some(id);
                    entity.base = base;
                }
                if self.param_entity_parsing == ParamEntityParsing::Never {
                    self.tasks.push_back(Task::CheckStandalone);
                }
                Ok(wanted)
            }
            _ => self.doctype_close(),
        }
    }

    fn doctype_close(&mut self) -> Result<bool, ErrorCode> {
        if !self.open.is_empty() {
            return Err(ErrorCode::InvalidToken);
        }
        let mut handled = false;
        if self.declared.doctype.is_some() && !self.declared.doctype_told {
            // The handler may be gone since the name was read.
            if self.wants(want::START_DOCTYPE) {
                self.tasks
                    .push_back(Task::Emit(Step::StartDoctype { internal: false }));
            }
            handled = true;
        }
        if self.declared.has_external_subset || self.foreign_dtd {
            self.tasks.push_back(Task::ExternalSubset);
        }
        if self.wants(want::END_DOCTYPE) {
            self.tasks.push_back(Task::EndDoctype);
            handled = true;
        }
        Ok(handled)
    }

    fn param_entity_reference(&mut self, role: Role, token: Range) -> Result<bool, ErrorCode> {
        self.decls.has_param_entity_refs = true;
        if self.param_entity_parsing == ParamEntityParsing::Never {
            self.decls.keep_processing = self.decls.standalone;
            self.tasks.push_back(Task::CheckStandalone);
            return Ok(false);
        }
        let name = Range::new(token.start + 1, token.end - 1);
        let found = self.decls.param_entity(name.of(self.current().0));
        let must_exist = self.roles.document && self.decls.standalone && self.open.is_empty();
        let Some(index) = found else {
            if must_exist {
                return Err(ErrorCode::UndefinedEntity);
            }
            self.decls.keep_processing = self.decls.standalone;
            let told = role == Role::ParamEntityRef && self.wants(want::SKIPPED_ENTITY);
            if told {
                self.tasks.push_back(Task::Emit(Step::Skipped {
                    name: Span::current(name.start, name.end),
                    is_parameter: true,
                }));
            }
            return Ok(told);
        };
        let entity = &self.decls.entities[index];
        if must_exist && !entity.declared_inside {
            return Err(ErrorCode::EntityDeclaredInPe);
        }
        if entity.open {
            return Err(ErrorCode::RecursiveEntityRef);
        }
        if entity.text.is_some() {
            self.open_entity(index, role == Role::ParamEntityRef);
            return Ok(true);
        }
        if !self.wants(want::EXTERNAL_ENTITY) {
            self.decls.keep_processing = self.decls.standalone;
            return Ok(false);
        }
        self.decls.param_entity_read = false;
        self.declared.context = None;
        self.declared.event = entity.clone();
        self.decls.entities[index].open = true;
        self.tasks.push_back(Task::AskExternal);
        self.tasks.push_back(Task::AfterExternalParam { index });
        Ok(true)
    }
}
