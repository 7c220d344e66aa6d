//! Declarations of entities, notations, attributes and elements, token by token.

use super::prolog::Task;
use super::{Parser, Step};
use crate::dtd::{ContentKind, DeclaredAttribute, Entity};
use crate::error::ErrorCode;
use crate::event::interest as want;
use crate::roles::{Quantifier, Role};
use crate::scan::Range;
use std::sync::Arc;

/// What a declaration takes in memory besides its texts, about.
const OVERHEAD: usize = 160;

impl Parser {
    fn emit(&mut self, step: Step) {
        self.tasks.push_back(Task::Emit(step));
    }

    pub(super) fn entity_role(&mut self, role: Role, token: Range) -> Result<bool, ErrorCode> {
        let keep = self.decls.keep_processing;
        let wanted = self.wants(want::ENTITY_DECL);
        match role {
            Role::GeneralEntityName | Role::ParamEntityName => {
                return self.entity_name(role == Role::ParamEntityName, token);
            }
            Role::EntityValue if keep => return self.set_entity_value(token),
            Role::EntityPublicId => {
                let id = self.public_id(token)?;
                if let Some(entity) = self.declared_entity() {
                    entity.public_id = Some(id);
                    return Ok(wanted);
                }
            }
            Role::EntitySystemId => {
                let id = self.literal(token);
                let base = self.base.clone();
                if let Some(entity) = self.declared_entity() {
                    entity.system_id = Some(id);
                    entity.base = base;
                    return Ok(wanted);
                }
            }
            Role::EntityComplete => {
                if let Some(entity) = self.declared_entity()
                    && wanted
                {
                    let entity = entity.clone();
                    self.tell_entity(Step::EntityDecl, entity);
                    return Ok(true);
                }
            }
            Role::EntityNotationName => {
                let notation = self.token_text(token);
                if let Some(entity) = self.declared_entity() {
                    entity.notation = Some(notation);
                    let entity = entity.clone();
                    if self.wants(want::UNPARSED_ENTITY) {
                        self.tell_entity(Step::UnparsedEntity, entity);
                        return Ok(true);
                    }
                    if wanted {
                        self.tell_entity(Step::EntityDecl, entity);
                        return Ok(true);
                    }
                }
            }
            _ => {}
        }
        Ok(false)
    }

    /// The entity that is being declared, if it counts.
    fn declared_entity(&mut self) -> Option<&mut Entity> {
        let index = self.declared.entity?;
        if !self.decls.keep_processing {
            return None;
        }
        self.decls.entities.get_mut(index)
    }

    fn tell_entity(&mut self, step: Step, entity: Entity) {
        self.declared.event = entity;
        self.emit(step);
    }

    fn entity_name(&mut self, is_param: bool, token: Range) -> Result<bool, ErrorCode> {
        self.declared.entity = None;
        let name = self.token_text(token);
        if !is_param && super::content::predefined(&name).is_some() {
            return Ok(false);
        }
        if !self.decls.keep_processing {
            return Ok(false);
        }
        let inside = !self.param_entity && self.open.is_empty();
        let declared = self.decls.declare(&name, is_param, inside);
        self.declared.entity = declared;
        if declared.is_some() {
            self.account_memory(OVERHEAD + 2 * name.len())?;
        }
        Ok(declared.is_some() && self.wants(want::ENTITY_DECL))
    }

    fn set_entity_value(&mut self, token: Range) -> Result<bool, ErrorCode> {
        let range = Range::new(token.start + 1, token.end - 1);
        let mut value = String::new();
        let result = self.entity_value(range, self.declared.entity, &mut value);
        let (Some(index), true) = (
            self.declared.entity,
            result.is_ok() || self.wants(want::ENTITY_DECL),
        ) else {
            return result.map(|()| false);
        };
        // As much of a bad value as is good is told.
        self.failing = result.err();
        self.account_memory(value.len())?;
        let entity = &mut self.decls.entities[index];
        entity.text = Some(value.into());
        if !self.wants(want::ENTITY_DECL) {
            return Ok(false);
        }
        let base = self.base.clone();
        let entity = Entity {
            base,
            ..self.decls.entities[index].clone()
        };
        self.tell_entity(Step::EntityDecl, entity);
        Ok(true)
    }

    pub(super) fn notation_role(&mut self, role: Role, token: Range) -> Result<bool, ErrorCode> {
        match role {
            Role::NotationName => {
                self.declared.notation_public = None;
                self.declared.notation = None;
                let wanted = self.wants(want::NOTATION);
                if wanted {
                    self.declared.notation = Some(self.token_text(token));
                }
                Ok(wanted)
            }
            Role::NotationPublicId => {
                let id = self.public_id(token)?;
                let told = self.declared.notation.is_some();
                if told {
                    self.declared.notation_public = Some(id);
                }
                Ok(told)
            }
            _ => {
                let system_id = (role == Role::NotationSystemId).then(|| self.literal(token));
                let name = self.declared.notation.take();
                let public_id = self.declared.notation_public.take();
                let (Some(name), true) = (name, self.wants(want::NOTATION)) else {
                    return Ok(false);
                };
                let event = Entity {
                    name,
                    system_id,
                    public_id,
                    base: self.base.clone(),
                    ..Entity::default()
                };
                self.tell_entity(Step::Notation, event);
                Ok(true)
            }
        }
    }

    pub(super) fn attlist_role(&mut self, role: Role, token: Range) -> Result<bool, ErrorCode> {
        let told = self.decls.keep_processing && self.wants(want::ATTLIST_DECL);
        match role {
            Role::AttlistElementName => {
                let name = self.token_text(token);
                let id = self.decls.names.intern(&name);
                self.declared.element = Some(name);
                self.declared.element_id = Some(id);
            }
            Role::AttributeName => {
                let name = self.token_text(token);
                let id = self.decls.names.intern(&name);
                self.declared.attribute = Some(name);
                self.declared.attribute_id = Some(id);
                self.declared.is_cdata = false;
                self.declared.kind.clear();
            }
            Role::AttributeType => {
                let kind = self.token_text(token);
                self.declared.is_cdata = &*kind == "CDATA";
                self.declared.kind.push_str(&kind);
            }
            Role::AttributeEnumValue | Role::AttributeNotationValue => {
                if !told {
                    return Ok(false);
                }
                let text = self.token_text(token);
                let kind = &mut self.declared.kind;
                kind.push_str(match role {
                    _ if !kind.is_empty() => "|",
                    Role::AttributeNotationValue => "NOTATION(",
                    _ => "(",
                });
                kind.push_str(&text);
            }
            Role::ImpliedAttribute | Role::RequiredAttribute => {
                if !self.decls.keep_processing {
                    return Ok(false);
                }
                self.declare_attribute(None)?;
                return Ok(self.tell_attribute(None, role == Role::RequiredAttribute));
            }
            _ => {
                if !self.decls.keep_processing {
                    return Ok(false);
                }
                let range = Range::new(token.start + 1, token.end - 1);
                let value = self.default_value(range, self.declared.is_cdata)?;
                self.declare_attribute(Some(value.clone()))?;
                return Ok(self.tell_attribute(Some(value), role == Role::FixedAttribute));
            }
        }
        Ok(told)
    }

    fn declare_attribute(&mut self, default: Option<Arc<str>>) -> Result<(), ErrorCode> {
        let (Some(element), Some(name)) = (self.declared.element_id, self.declared.attribute_id)
        else {
            return Ok(());
        };
        let is_cdata = self.declared.is_cdata;
        self.account_memory(size_of::<DeclaredAttribute>() + OVERHEAD)?;
        let declared = self.decls.element_type_mut(element);
        // The first declaration of an attribute counts.
        if declared.knows(name) {
            return Ok(());
        }
        declared.tokenized |= !is_cdata;
        declared.add(DeclaredAttribute {
            name,
            is_cdata,
            default,
        });
        Ok(())
    }

    fn tell_attribute(&mut self, default: Option<Arc<str>>, required: bool) -> bool {
        if !self.wants(want::ATTLIST_DECL) || self.declared.kind.is_empty() {
            return false;
        }
        if self.declared.kind.starts_with(['(']) || self.declared.kind.starts_with("NOTATION(") {
            self.declared.kind.push(')');
        }
        self.declared.default = default;
        self.emit(Step::AttlistDecl { required });
        true
    }

    pub(super) fn element_role(&mut self, role: Role, token: Range) -> Result<bool, ErrorCode> {
        let wanted = self.wants(want::ELEMENT_DECL);
        let reading = self.declared.in_element;
        match role {
            Role::ElementName => {
                if wanted {
                    self.declared.element = Some(self.token_text(token));
                    self.model.start();
                    self.declared.in_element = true;
                }
                return Ok(wanted);
            }
            Role::ContentAny | Role::ContentEmpty => {
                if !reading {
                    return Ok(false);
                }
                self.declared.in_element = false;
                let kind = match role {
                    Role::ContentAny => ContentKind::Any,
                    _ => ContentKind::Empty,
                };
                self.model.add(kind, Quantifier::Once, None);
                return Ok(self.tell_element());
            }
            Role::ContentPcdata => {
                if let Some(group) = self.model.group().filter(|_| reading) {
                    group.kind = ContentKind::Mixed;
                    return Ok(wanted);
                }
            }
            Role::ContentElement(quantifier) if reading => {
                let trimmed = match quantifier {
                    Quantifier::Once => token,
                    _ => Range::new(token.start, token.end - 1),
                };
                let name = self.token_text(trimmed);
                self.account_memory(OVERHEAD)?;
                self.model.add(ContentKind::Name, quantifier, Some(name));
                return Ok(wanted);
            }
            Role::GroupOpen => {
                let level = self.roles.level;
                self.model.separators.resize(level + 1, None);
                self.model.separators[level] = None;
                if reading {
                    self.account_memory(OVERHEAD)?;
                    self.model.open();
                    return Ok(wanted);
                }
            }
            Role::GroupSequence => {
                self.separate(b',')?;
                return Ok(reading && wanted);
            }
            Role::GroupChoice => {
                let first = self.separate(b'|')?;
                if let Some(group) = self.model.group().filter(|_| reading) {
                    if first && group.kind != ContentKind::Mixed {
                        group.kind = ContentKind::Choice;
                    }
                    return Ok(wanted);
                }
            }
            Role::GroupClose(quantifier) if reading => {
                if self.model.close(quantifier) {
                    self.declared.in_element = false;
                    return Ok(self.tell_element());
                }
                return Ok(wanted);
            }
            _ => {}
        }
        Ok(false)
    }

    fn tell_element(&mut self) -> bool {
        let wanted = self.wants(want::ELEMENT_DECL);
        if wanted {
            self.emit(Step::ElementDecl);
        }
        wanted
    }

    /// A separator in a group; all of a group are the same. True if it is the group's first.
    fn separate(&mut self, separator: u8) -> Result<bool, ErrorCode> {
        let Some(known) = self.model.separators.get_mut(self.roles.level) else {
            return Ok(false);
        };
        match known.replace(separator) {
            None => Ok(true),
            Some(before) if before == separator => Ok(false),
            Some(_) => Err(ErrorCode::Syntax),
        }
    }
}
