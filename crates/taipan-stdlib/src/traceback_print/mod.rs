//! Exceptions as text without the library's `traceback` module: what `sys.excepthook` prints before there is one, and when it is
//! broken. The text is the same: frames with source lines and carets (`carets`), chained exceptions, notes, groups, syntax
//! errors, suggestions (`suggest`).

mod carets;
mod suggest;
mod theme;

use std::collections::{HashMap, HashSet};
use taipan_bytecode::line_table::{Position, position_at};
use taipan_core::dict_object::Dict;
use taipan_core::latch::Latch;
use taipan_core::str_object::{is_str, str_of};
use taipan_core::{Py, Value, Vm, builtin_types, exception, name, tuple_object};
use taipan_interp::frame_object::FrameObject;
use taipan_interp::traceback::Traceback;
use theme::{PLAIN, Theme};

/// Of equal frames in a row so many are shown.
const REPEATED: usize = 3;
/// Of an exception group's members so many are shown.
const GROUP_WIDTH: usize = 15;
/// So deep groups are shown.
const GROUP_DEPTH: usize = 10;

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

/// One frame of a traceback.
struct Entry {
    file: String,
    name: String,
    line: Option<u32>,
    position: Position,
}

/// What there is to say about one exception. Others are named by their index.
struct Report {
    entries: Vec<Entry>,
    /// The lines after the frames, each with its newline.
    last: Vec<String>,
    suppress_context: bool,
    cause: Option<usize>,
    context: Option<usize>,
    members: Option<Vec<usize>>,
}

/// Texts of sources that are in no file: `-c`, interactive input.
#[derive(Default)]
pub struct Sources {
    texts: Latch<HashMap<String, Vec<String>>>,
}

/// Remembers a source for tracebacks, under the file name its code has.
pub fn register_source(vm: &Vm, file: &str, text: &str) {
    let lines = text.lines().map(str::to_owned).collect();
    vm.interpreter_state::<Sources>()
        .texts
        .borrow_mut()
        .insert(file.to_owned(), lines);
}

// ---- collecting ----

fn lossy(value: &Value) -> Option<String> {
    str_of(value).map(|text| text.to_lossy())
}

/// An attribute; errors count as "not there".
fn attribute(vm: &mut Vm, object: &Value, text: &Value) -> Option<Value> {
    match vm.get_attr_opt(object, text) {
        Ok(found) => found.filter(|value| !value.is_none()),
        Err(raised) => {
            drop(vm.take_raised(raised));
            None
        }
    }
}

/// `str(value)`, or the text that says it failed.
fn safe_str(vm: &mut Vm, value: &Value, what: &str) -> String {
    match vm.str_string(value) {
        Ok(text) => text,
        Err(raised) => {
            drop(vm.take_raised(raised));
            format!("<{what} str() failed>")
        }
    }
}

fn safe_repr(vm: &mut Vm, value: &Value, what: &str) -> String {
    match vm.repr_string(value) {
        Ok(text) => text,
        Err(raised) => {
            drop(vm.take_raised(raised));
            format!("<{what} repr() failed>")
        }
    }
}

/// The entries of a traceback, at most `sys.tracebacklimit` from its end.
fn entries(vm: &mut Vm, traceback: Option<Value>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = traceback;
    while let Some(link) = at {
        let Some(this) = link.cast::<Traceback>() else {
            break;
        };
        let Some(frame) = this.frame.cast::<FrameObject>() else {
            break;
        };
        let code = frame.code();
        let mut position = position_at(&code.code.linetable, code.code.firstlineno, this.unit);
        let mut line = Some(position.line).filter(|line| *line != 0);
        if line.is_none() || this.line.is_some() {
            line = this.lineno();
            if Some(position.line) != line {
                position = Position {
                    line: line.unwrap_or(0),
                    ..Position::NONE
                };
            }
        }
        entries.push(Entry {
            file: lossy(&code.filename).unwrap_or_default(),
            name: lossy(&code.name).unwrap_or_default(),
            line,
            position,
        });
        at = this.next();
    }
    if let Some(limit) = sys_item(vm, name!("tracebacklimit")).and_then(|limit| limit.as_i64()) {
        let extra = entries.len().saturating_sub(limit.max(0) as usize);
        entries.drain(..extra);
    }
    entries
}

pub(crate) fn sys_item(vm: &mut Vm, text: &Value) -> Option<Value> {
    let sys = vm.interpreter().sys_dict.get();
    sys.and_then(|sys| sys.cast::<Dict>()?.get_name(text))
}

/// The type's name as the last line shows it.
fn type_name(vm: &mut Vm, exception: &Value) -> String {
    let ty = exception.type_of().to_value();
    let qualname = attribute(vm, &ty, name!("__qualname__")).and_then(|text| lossy(&text));
    let qualname = qualname.unwrap_or_else(|| exception.type_of().name().to_owned());
    match attribute(vm, &ty, name!("__module__")) {
        Some(module) => match lossy(&module) {
            Some(module) if module == "__main__" || module == "builtins" => qualname,
            Some(module) => format!("{module}.{qualname}"),
            None => format!("<unknown>.{qualname}"),
        },
        None => format!("<unknown>.{qualname}"),
    }
}

/// The lines behind the frames.
fn last_lines(
    vm: &mut Vm,
    exception: &Value,
    traceback: Option<&Value>,
    theme: &Theme,
) -> Vec<String> {
    let ty = type_name(vm, exception);
    let mut lines = if exception.is_instance(&builtin_types::SYNTAX_ERROR) {
        syntax_error(vm, exception, &ty, theme)
    } else {
        let mut text = safe_str(vm, exception, "exception");
        text.push_str(&suggest::suffix(vm, exception, traceback));
        vec![format!("{}\n", theme.kind_and_message(&ty, &text))]
    };
    if let Some(notes) = attribute(vm, exception, name!("__notes__")) {
        let is_row =
            notes.is_instance(&builtin_types::LIST) || notes.is_instance(&builtin_types::TUPLE);
        match vm.to_vec(&notes) {
            Ok(row) if is_row => {
                for note in row {
                    let note = safe_str(vm, &note, "note");
                    lines.extend(note.split('\n').map(|line| format!("{line}\n")));
                }
            }
            Ok(_) => lines.push(format!("{}\n", safe_repr(vm, &notes, "__notes__"))),
            Err(raised) => {
                drop(vm.take_raised(raised));
                lines.push(format!("{}\n", safe_repr(vm, &notes, "__notes__")));
            }
        }
    }
    lines
}

/// Builds the reports of an exception and all that hang on it. The first is the exception's own.
fn collect(vm: &mut Vm, top: &Value, theme: &Theme) -> Vec<Report> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut reports = Vec::new();
    let mut queue = vec![(add(vm, &mut reports, &mut seen, top, theme), top.clone())];
    while let Some((index, current)) = queue.pop() {
        if let Some(cause) =
            exception::cause(vm, &current).filter(|other| !seen.contains(&other.bits()))
        {
            let at = add(vm, &mut reports, &mut seen, &cause, theme);
            reports[index].cause = Some(at);
            queue.push((at, cause));
        }
        if let Some(context) =
            exception::context(vm, &current).filter(|other| !seen.contains(&other.bits()))
        {
            let at = add(vm, &mut reports, &mut seen, &context, theme);
            reports[index].context = Some(at);
            queue.push((at, context));
        }
        if current.is_instance(&builtin_types::BASE_EXCEPTION_GROUP)
            && let Some(members) = attribute(vm, &current, name!("exceptions"))
        {
            let members = tuple_object::items(&members).unwrap_or(&[]).to_vec();
            let mut row = Vec::with_capacity(members.len());
            for member in members {
                let at = add(vm, &mut reports, &mut seen, &member, theme);
                row.push(at);
                queue.push((at, member));
            }
            reports[index].members = Some(row);
        }
    }
    reports
}

fn add(
    vm: &mut Vm,
    reports: &mut Vec<Report>,
    seen: &mut HashSet<u64>,
    exception: &Value,
    theme: &Theme,
) -> usize {
    seen.insert(exception.bits());
    let traceback = exception::traceback(vm, exception);
    let suppress = attribute(vm, exception, name!("__suppress_context__"));
    let report = Report {
        last: last_lines(vm, exception, traceback.as_ref(), theme),
        entries: entries(vm, traceback),
        suppress_context: suppress.is_some_and(|flag| flag.is_true()),
        cause: None,
        context: None,
        members: None,
    };
    reports.push(report);
    reports.len() - 1
}

// ---- syntax errors ----

/// The place and message of a `SyntaxError`.
fn syntax_error(vm: &mut Vm, exception: &Value, ty: &str, theme: &Theme) -> Vec<String> {
    let mut lines = Vec::new();
    let file =
        attribute(vm, exception, name!("filename")).map(|file| safe_str(vm, &file, "filename"));
    let line = attribute(vm, exception, name!("lineno"));
    let end_line = attribute(vm, exception, name!("end_lineno"));
    let mut suffix = String::new();
    match (&line, &file) {
        (Some(line), _) => {
            let shown = safe_str(vm, line, "lineno");
            let place = theme.file_and_line(file.as_deref().unwrap_or("<string>"), &shown);
            lines.push(format!("  {place}\n"));
        }
        (None, Some(file)) => suffix = format!(" ({file})"),
        (None, None) => {}
    }
    if let Some(text) = attribute(vm, exception, name!("text"))
        .filter(is_str)
        .and_then(|text| lossy(&text))
    {
        let offset = attribute(vm, exception, name!("offset")).and_then(|offset| offset.as_i64());
        let end_offset =
            attribute(vm, exception, name!("end_offset")).and_then(|offset| offset.as_i64());
        let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_i64);
        let same_line = number(&line) == number(&end_line);
        lines.extend(syntax_error_text(
            &text, offset, end_offset, same_line, theme,
        ));
    }
    let message =
        attribute(vm, exception, name!("msg")).map(|message| safe_str(vm, &message, "msg"));
    let message = match message {
        Some(message) if message.is_empty() => "<no detail available>".to_owned(),
        Some(message) => message,
        None => "None".to_owned(),
    };
    let last = theme.kind_and_message(ty, &message);
    lines.push(format!("{last}{suffix}\n"));
    lines
}

/// The source line and the carets below. Offsets count from one.
fn syntax_error_text(
    text: &str,
    offset: Option<i64>,
    end_offset: Option<i64>,
    same_line: bool,
    theme: &Theme,
) -> Vec<String> {
    let right = text.trim_end_matches('\n');
    let left = right.trim_start_matches([' ', '\n', '\x0c']);
    let mut lines = vec![format!("    {left}\n")];
    let Some(mut offset) = offset else {
        return lines;
    };
    let length = right.chars().count() as i64;
    let spaces = length - left.chars().count() as i64;
    let whole = text.chars().count() as i64;
    let mut end = if same_line {
        end_offset.filter(|end| *end != 0).unwrap_or(offset)
    } else {
        length + 1
    };
    if whole > 0 && offset > whole {
        offset = length + 1;
    }
    if whole > 0 && end > whole {
        end = length + 1;
    }
    if offset >= end || end < 0 {
        end = offset + 1;
    }
    let start = offset - 1 - spaces;
    if start >= 0 {
        let space: String = left
            .chars()
            .take(start as usize)
            .map(|c| if c.is_whitespace() { c } else { ' ' })
            .collect();
        let count = (end - offset).max(0) as usize;
        let shown: Vec<char> = left.chars().collect();
        let (top, bottom) = theme.underline(&shown, &format!("{space}{}", "^".repeat(count)));
        lines = vec![format!("    {top}\n"), format!("    {bottom}\n")];
    }
    lines
}

// ---- formatting ----

/// Source lines by file, read once for a report.
struct Files {
    known: HashMap<String, Option<Vec<String>>>,
    theme: &'static Theme,
}

impl Files {
    /// The line (from one) of a file without trailing space; empty if there is none.
    fn line(&mut self, vm: &mut Vm, file: &str, line: u32) -> String {
        if !self.known.contains_key(file) {
            let lines = source_lines(vm, file);
            self.known.insert(file.to_owned(), lines);
        }
        self.known
            .get(file)
            .and_then(Option::as_ref)
            .and_then(|lines| lines.get((line as usize).checked_sub(1)?))
            .map(|line| line.trim_end().to_owned())
            .unwrap_or_default()
    }
}

fn no_modules(vm: &Vm) -> bool {
    let modules = vm.interpreter().modules.get();
    let modules = modules.as_ref().and_then(|modules| modules.cast::<Dict>());
    modules.is_none_or(|modules| modules.is_empty())
}

/// The lines of a source: registered, in `linecache`'s cache, or from a file (also below `sys.path`).
fn source_lines(vm: &mut Vm, file: &str) -> Option<Vec<String>> {
    if let Some(lines) = vm.interpreter_state::<Sources>().texts.borrow().get(file) {
        return Some(lines.clone());
    }
    if let Some(lines) = cached_lines(vm, file) {
        return Some(lines);
    }
    // Nor are files opened any more when modules have gone.
    if file.starts_with('<') && file.ends_with('>') || no_modules(vm) {
        return None;
    }
    let mut bytes = embedded_source(vm, file).or_else(|| std::fs::read(file).ok());
    if bytes.is_none() && !std::path::Path::new(file).is_absolute() {
        let path = sys_item(vm, name!("path"))?;
        let folders = match vm.to_vec(&path) {
            Ok(folders) => folders,
            Err(raised) => {
                drop(vm.take_raised(raised));
                Vec::new()
            }
        };
        bytes = folders
            .iter()
            .filter_map(lossy)
            .find_map(|folder| std::fs::read(std::path::Path::new(&folder).join(file)).ok());
    }
    let text = match taipan_syntax::decode_source(&bytes?, None) {
        Ok(taipan_syntax::Decoded::Text(text)) => text,
        _ => return None,
    };
    Some(
        text.replace("\r\n", "\n")
            .replace('\r', "\n")
            .split('\n')
            .map(str::to_owned)
            .collect(),
    )
}

/// The source of a module of the embedded library, by the file it pretends to be.
fn embedded_source(vm: &Vm, file: &str) -> Option<Vec<u8>> {
    let path = file.strip_prefix(crate::library::root(vm))?;
    let path = path.strip_prefix('/')?.strip_suffix(".py")?;
    let module = path.strip_suffix("/__init__").unwrap_or(path);
    let module = crate::library::find(vm, &module.replace('/', "."))?;
    Some(module.source.to_vec())
}

fn cached_lines(vm: &mut Vm, file: &str) -> Option<Vec<String>> {
    let modules = vm.interpreter().modules.get()?;
    let linecache = modules.cast::<Dict>()?.get_name(name!("linecache"))?;
    let cache = attribute(vm, &linecache, name!("cache"))?;
    let entry = cache
        .cast::<Dict>()?
        .get_name(&taipan_core::str_object::name(file))?;
    let lines = tuple_object::items(&entry)?.get(2)?.clone();
    match vm.to_vec(&lines) {
        Ok(lines) => Some(lines.iter().filter_map(lossy).collect()),
        Err(raised) => {
            drop(vm.take_raised(raised));
            None
        }
    }
}

/// The frames of a traceback, equal ones in a row counted.
fn format_entries(vm: &mut Vm, files: &mut Files, entries: &[Entry]) -> Vec<String> {
    let mut out = Vec::new();
    let mut last: Option<(&str, Option<u32>, &str)> = None;
    let mut count = 0;
    let note = |count: usize| {
        let more = count - REPEATED;
        format!(
            "  [Previous line repeated {more} more time{}]\n",
            if more > 1 { "s" } else { "" }
        )
    };
    for entry in entries {
        let key = (&entry.file[..], entry.line, &entry.name[..]);
        if last != Some(key) || entry.line.is_none() {
            if count > REPEATED {
                out.push(note(count));
            }
            last = Some(key);
            count = 0;
        }
        count += 1;
        if count <= REPEATED {
            out.push(format_entry(vm, files, entry));
        }
    }
    if count > REPEATED {
        out.push(note(count));
    }
    out
}

fn format_entry(vm: &mut Vm, files: &mut Files, entry: &Entry) -> String {
    let file = if entry.file.starts_with("<stdin-") && entry.file.ends_with('>') {
        "<stdin>"
    } else {
        &entry.file
    };
    let line = entry
        .line
        .map_or_else(|| "None".to_owned(), |line| line.to_string());
    let theme = files.theme;
    let place = theme.file_and_line(file, &line);
    let name = format!("{}{}{}", theme.place, entry.name, theme.reset);
    let mut text = format!("  {place}, in {name}\n");
    if let Some(first) = entry.line {
        let position = &entry.position;
        let end = if position.end_line >= first {
            position.end_line
        } else {
            first
        };
        // A damaged table must not make this long.
        let end = end.min(first.saturating_add(10_000));
        let lines: Vec<String> = (first..=end)
            .map(|line| files.line(vm, &entry.file, line))
            .collect();
        let known = position.col != Position::NO_COLUMN && position.end_col != Position::NO_COLUMN;
        let columns = if known {
            Some((position.col as usize, position.end_col as usize))
        } else {
            None
        };
        text.push_str(&carets::show(&lines, columns, theme));
    }
    text
}

/// The place in nested exception groups.
#[derive(Default)]
struct Margin {
    depth: usize,
    need_close: bool,
}

impl Margin {
    fn indent(&self) -> String {
        " ".repeat(2 * self.depth)
    }

    /// Appends text with the margin in front of each line.
    fn emit(&self, out: &mut String, text: &str, sign: char) {
        if self.depth == 0 {
            out.push_str(text);
            return;
        }
        let indent = self.indent();
        for line in text.split_inclusive('\n') {
            out.push_str(&format!("{indent}{sign} {line}"));
        }
    }
}

struct Printer<'a> {
    reports: &'a [Report],
    files: Files,
    margin: Margin,
    out: String,
}

impl Printer<'_> {
    fn emit(&mut self, text: &str) {
        self.margin.emit(&mut self.out, text, '|');
    }

    /// An exception after those that led to it.
    fn chain(&mut self, vm: &mut Vm, index: usize) {
        let mut row = Vec::new();
        let mut at = Some(index);
        while let Some(current) = at {
            let report = &self.reports[current];
            let (message, next) = if report.cause.is_some() {
                (Some(CAUSE), report.cause)
            } else if report.context.is_some() && !report.suppress_context {
                (Some(CONTEXT), report.context)
            } else {
                (None, None)
            };
            row.push((message, current));
            at = next;
        }
        for (message, current) in row.into_iter().rev() {
            if let Some(message) = message {
                self.emit(message);
            }
            self.one(vm, current);
        }
    }

    fn one(&mut self, vm: &mut Vm, index: usize) {
        let reports = self.reports;
        let report = &reports[index];
        let Some(members) = &report.members else {
            self.frames_and_last(vm, report, "Traceback (most recent call last):\n", '|');
            return;
        };
        if self.margin.depth > GROUP_DEPTH {
            self.emit(&format!("... (max_group_depth is {GROUP_DEPTH})\n"));
            return;
        }
        let top = self.margin.depth == 0;
        if top {
            self.margin.depth = 1;
        }
        let sign = if top { '+' } else { '|' };
        self.frames_and_last(
            vm,
            report,
            "Exception Group Traceback (most recent call last):\n",
            sign,
        );
        self.members(vm, members);
        if top {
            self.margin.depth = 0;
        }
    }

    fn frames_and_last(&mut self, vm: &mut Vm, report: &Report, title: &str, sign: char) {
        if !report.entries.is_empty() {
            self.margin.emit(&mut self.out, title, sign);
            for text in format_entries(vm, &mut self.files, &report.entries) {
                self.emit(&text);
            }
        }
        for line in &report.last {
            self.emit(line);
        }
    }

    fn members(&mut self, vm: &mut Vm, members: &[usize]) {
        let shown = if members.len() <= GROUP_WIDTH {
            members.len()
        } else {
            GROUP_WIDTH + 1
        };
        self.margin.need_close = false;
        for at in 0..shown {
            let last = at + 1 == shown;
            if last {
                self.margin.need_close = true;
            }
            let cut = at >= GROUP_WIDTH;
            let title = if cut {
                "...".to_owned()
            } else {
                (at + 1).to_string()
            };
            let indent = self.margin.indent();
            let corner = if at == 0 { "+-" } else { "  " };
            self.out.push_str(&format!(
                "{indent}{corner}+---------------- {title} ----------------\n"
            ));
            self.margin.depth += 1;
            if cut {
                let more = members.len() - GROUP_WIDTH;
                self.emit(&format!(
                    "and {more} more exception{}\n",
                    if more > 1 { "s" } else { "" }
                ));
            } else {
                self.chain(vm, members[at]);
            }
            if last && self.margin.need_close {
                let indent = self.margin.indent();
                self.out
                    .push_str(&format!("{indent}+------------------------------------\n"));
                self.margin.need_close = false;
            }
            self.margin.depth -= 1;
        }
    }
}

/// The whole text of an exception, as an uncaught one is shown.
pub fn format_exception(vm: &mut Vm, exception: &Value) -> String {
    format_with(vm, exception, &PLAIN)
}

fn format_with(vm: &mut Vm, exception: &Value, theme: &'static Theme) -> String {
    let reports = collect(vm, exception, theme);
    let mut printer = Printer {
        reports: &reports,
        files: Files {
            known: HashMap::new(),
            theme,
        },
        margin: Margin::default(),
        out: String::new(),
    };
    printer.chain(vm, 0);
    printer.out
}

/// The last lines alone: type, message, notes.
pub fn format_exception_only(vm: &mut Vm, exception: &Value) -> String {
    last_lines(vm, exception, None, &PLAIN).concat()
}

/// An exception that nobody can catch: its own frames, without columns, and what it says; neither notes nor other exceptions.
pub fn format_unraisable(vm: &mut Vm, class: &Value, value: &Value, traceback: &Value) -> String {
    let mut text = String::new();
    if traceback.is_instance(&builtin_types::TRACEBACK) {
        text.push_str("Traceback (most recent call last):\n");
        let mut entries = entries(vm, Some(traceback.clone()));
        for entry in &mut entries {
            entry.position = Position::NONE;
        }
        let mut files = Files {
            known: HashMap::new(),
            theme: &PLAIN,
        };
        text.extend(format_entries(vm, &mut files, &entries));
    }
    match attribute(vm, class, name!("__module__")).and_then(|module| lossy(&module)) {
        Some(module) if module == "__main__" || module == "builtins" => {}
        Some(module) => text.push_str(&format!("{module}.")),
        None => text.push_str("<unknown>"),
    }
    let name = attribute(vm, class, name!("__qualname__")).and_then(|name| lossy(&name));
    text.push_str(name.as_deref().unwrap_or("<unknown>"));
    if !value.is_none() {
        let shown = safe_str(vm, value, "exception");
        text.push_str(&format!(": {shown}"));
    }
    text.push('\n');
    text
}

/// Shows an exception on `sys.stderr`; on the process's own if that does not work. Nothing if `sys.stderr` is `None`.
pub fn print_exception(vm: &mut Vm, exception: &Value) {
    let theme = theme::of_stderr(vm);
    let text = format_with(vm, exception, theme);
    write_error(vm, &text);
}

/// Shows an exception on `file`; on the process's own error output if that does not work.
pub fn print_exception_to(vm: &mut Vm, file: &Value, exception: &Value) {
    let theme = theme::of_stderr(vm);
    let text = format_with(vm, exception, theme);
    write_error_to(vm, file, &text);
}

/// `sys.stderr`, if there is such a thing.
pub fn stderr(vm: &mut Vm) -> Option<Value> {
    sys_item(vm, name!("stderr"))
}

/// Writes to `sys.stderr`, or where it would go.
pub fn write_error(vm: &mut Vm, text: &str) {
    match stderr(vm) {
        Some(file) => write_error_to(vm, &file, text),
        None => write_raw(text),
    }
}

/// Writes to `file`, unless that is `None`; to the process's own error output if that does not work.
pub fn write_error_to(vm: &mut Vm, file: &Value, text: &str) {
    if file.is_none() {
        return;
    }
    if let Err(raised) = write_to(vm, file, text) {
        drop(vm.take_raised(raised));
        write_raw(text);
    }
}

fn write_to(vm: &mut Vm, file: &Value, text: &str) -> Py<()> {
    let text = taipan_core::str_object::new_str(text);
    vm.call_method(file, name!("write"), &[text])?;
    if let Some(flush) = vm.get_attr_opt(file, name!("flush"))? {
        vm.call(&flush, &[])?;
    }
    Ok(())
}

fn write_raw(text: &str) {
    use std::io::Write;
    let mut out = std::io::stderr().lock();
    // There is nowhere left to report a failure to.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
