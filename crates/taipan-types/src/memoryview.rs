//! `memoryview`: typed, strided access to the memory that another object lends.
//!
//! All views made of one another share a hidden object that holds the buffer; the buffer goes back to its exporter when the last
//! of them is released. A view that itself lends buffers cannot be released.

use crate::buffer::{self, gather};
use crate::memory_format::{self as fmt, Code, PackError};
use crate::{check, slice};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::buffer::{Buffer, flags};
use taipan_core::builtin_types::{
    BUFFER_ERROR, INDEX_ERROR, MEMORYVIEW, NOT_IMPLEMENTED_ERROR, VALUE_ERROR,
};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, Bound, CompareOp, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Raised, Slots, Tracer,
    Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter, raw,
    slice as positional,
};

/// The type of the hidden object that holds a buffer.
pub static MANAGED_BUFFER: TypeObject = Type::declare("managedbuffer");
/// The type `memory_iterator`.
pub static MEMORY_ITERATOR: TypeObject = Type::declare("memory_iterator");

const MAX_DIMENSIONS: usize = 64;

/// Holds a buffer for all views of it.
struct Managed(Buffer);

// SAFETY: the buffer's owner is the only reference. Its memory is lent for as long as this lives.
unsafe impl Payload for Managed {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MANAGED_BUFFER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.0.owner);
    }
}

/// What of a view can change: it can be released.
pub struct Life {
    /// The managed buffer; `None` once released.
    base: Option<Value>,
}

/// Payload of memoryviews.
pub struct MemoryView {
    life: Locked<Life>,
    /// Buffers that this view has lent.
    exports: AtomicUsize,
    /// 0 until computed.
    hash: AtomicI64,
    data: *mut u8,
    item_size: usize,
    readonly: bool,
    /// Handed to `__release_buffer__`: no other view can be made of it.
    restricted: bool,
    format: Box<str>,
    shape: Box<[usize]>,
    strides: Box<[isize]>,
}

impl HasState for MemoryView {
    type State = Life;
    fn cell(&self) -> &Locked<Life> {
        &self.life
    }
}

// SAFETY: `data` is the managed buffer's, which is `Sync` too.
unsafe impl Sync for MemoryView {}

// SAFETY: the managed buffer is the only reference.
unsafe impl Payload for MemoryView {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MEMORYVIEW
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &self.life.get_unlocked().base });
    }
}

/// A view's geometry and the managed buffer, which keeps the memory while this lives.
struct Access<'a> {
    view: &'a MemoryView,
    base: Value,
}

impl Access<'_> {
    /// The bytes of the element at `offset`, copied.
    fn read(&self, offset: isize) -> Vec<u8> {
        // SAFETY: offsets are made from indices within the shape, so the element lies in the lent memory (I-BUFFER-1), which
        // `base` keeps.
        unsafe {
            std::slice::from_raw_parts(self.view.data.offset(offset), self.view.item_size).to_vec()
        }
    }

    fn write(&self, offset: isize, bytes: &[u8]) {
        let size = bytes.len().min(self.view.item_size);
        // SAFETY: as in `read`; callers have checked that the view may be written.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.view.data.offset(offset), size) }
    }

    /// A buffer description for algorithms over any strides. It lends nothing: `base` keeps the memory.
    fn describe(&self) -> Buffer {
        Buffer {
            owner: self.base.clone(),
            data: self.view.data,
            len: self.view.count() * self.view.item_size,
            item_size: self.view.item_size,
            readonly: self.view.readonly,
            format: self.view.format.clone(),
            shape: self.view.shape.to_vec(),
            strides: self.view.strides.to_vec(),
            release: None,
        }
    }
}

impl MemoryView {
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    fn ndim(&self) -> usize {
        self.shape.len()
    }

    fn code(&self) -> Option<Code> {
        Code::parse(&self.format)
    }

    /// Runs code during which the view cannot be released.
    fn lending<R>(&self, work: impl FnOnce() -> R) -> R {
        self.exports.fetch_add(1, Relaxed);
        let result = work();
        self.exports.fetch_sub(1, Relaxed);
        result
    }

    fn is_c_contiguous(&self) -> bool {
        contiguous(
            self.item_size,
            self.shape.iter().rev().zip(self.strides.iter().rev()),
        )
    }

    fn is_f_contiguous(&self) -> bool {
        contiguous(self.item_size, self.shape.iter().zip(&self.strides))
    }
}

fn contiguous<'a>(
    item_size: usize,
    dimensions: impl Iterator<Item = (&'a usize, &'a isize)> + Clone,
) -> bool {
    if dimensions.clone().any(|(len, _)| *len == 0) {
        return true;
    }
    let mut expected = item_size as isize;
    for (len, stride) in dimensions {
        if *len > 1 && *stride != expected {
            return false;
        }
        expected *= *len as isize;
    }
    true
}

fn view(this: &Value) -> &Obj<MemoryView> {
    this.expect::<MemoryView>()
}

fn released(vm: &mut Vm) -> Raised {
    vm.value_error("operation forbidden on released memoryview object")
}

/// Access to the memory; `ValueError` if the view is released.
fn access<'a>(vm: &mut Vm, this: &'a Value) -> Py<Access<'a>> {
    let view = view(this);
    let base = view.lock(vm).base.clone();
    match base {
        Some(base) => Ok(Access { view, base }),
        None => Err(released(vm)),
    }
}

fn not_implemented(vm: &mut Vm, message: &str) -> Raised {
    vm.raise(&NOT_IMPLEMENTED_ERROR, message)
}

/// A new view of the same memory with another geometry.
struct Geometry {
    data: *mut u8,
    item_size: usize,
    readonly: bool,
    format: Box<str>,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

fn new_view(base: Value, geometry: Geometry) -> Value {
    new_object(view_payload(base, geometry))
}

fn view_payload(base: Value, geometry: Geometry) -> MemoryView {
    MemoryView {
        life: Locked::new(Life { base: Some(base) }),
        exports: AtomicUsize::new(0),
        hash: AtomicI64::new(0),
        data: geometry.data,
        item_size: geometry.item_size,
        readonly: geometry.readonly,
        restricted: false,
        format: geometry.format,
        shape: geometry.shape.into(),
        strides: geometry.strides.into(),
    }
}

/// A view that no other can be made of.
pub(crate) fn restricted(lent: Buffer) -> Value {
    let geometry = geometry_of(&lent);
    let base = new_object(Managed(lent));
    let mut view = view_payload(base, geometry);
    view.restricted = true;
    new_object(view)
}

/// Is this view released?
pub(crate) fn is_released(vm: &mut Vm, this: &Value) -> bool {
    view(this).lock(vm).base.is_none()
}

/// Does this view show memory that `owner` lends?
pub(crate) fn is_of(vm: &mut Vm, this: &Value, owner: &Value) -> bool {
    let base = this
        .cast::<MemoryView>()
        .and_then(|view| view.lock(vm).base.clone());
    base.is_some_and(|base| base.expect::<Managed>().0.owner.is(owner))
}

/// As [`access`], to make another view of the memory.
fn access_to_share<'a>(vm: &mut Vm, this: &'a Value) -> Py<Access<'a>> {
    let access = access(vm, this)?;
    if access.view.restricted {
        return Err(vm.value_error("cannot create new view on restricted memoryview"));
    }
    Ok(access)
}

impl Access<'_> {
    fn geometry(&self) -> Geometry {
        Geometry {
            data: self.view.data,
            item_size: self.view.item_size,
            readonly: self.view.readonly,
            format: self.view.format.clone(),
            shape: self.view.shape.to_vec(),
            strides: self.view.strides.to_vec(),
        }
    }
}

/// `memoryview(object)`
pub fn new_memoryview(vm: &mut Vm, object: &Value) -> Py {
    from_flags(vm, object, flags::FULL_RO)
}

fn from_flags(vm: &mut Vm, object: &Value, request: u32) -> Py {
    if object.cast::<MemoryView>().is_some() {
        let access = access_to_share(vm, object)?;
        let geometry = access.geometry();
        return Ok(new_view(access.base, geometry));
    }
    if object.type_of().slots().buffer.is_none() {
        let message = format!(
            "memoryview: a bytes-like object is required, not '{}'",
            object.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let lent = buffer::get(vm, object, request)?;
    Ok(from_buffer(lent))
}

/// A view of a buffer that an exporter has lent.
pub fn from_buffer(lent: Buffer) -> Value {
    let geometry = geometry_of(&lent);
    let base = new_object(Managed(lent));
    new_view(base, geometry)
}

fn geometry_of(lent: &Buffer) -> Geometry {
    Geometry {
        data: lent.data,
        item_size: lent.item_size,
        readonly: lent.readonly,
        format: lent.format.clone(),
        shape: lent.shape.clone(),
        strides: lent.strides.clone(),
    }
}

fn new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let [object] = crate::arguments::take(vm, "memoryview", args, ["object"], 0)?;
    match object {
        Some(object) => new_memoryview(vm, object),
        None => Err(vm.type_error("memoryview() missing required argument 'object' (pos 1)")),
    }
}

// ---- elements ----

fn unsupported(vm: &mut Vm, format: &str) -> Raised {
    not_implemented(vm, &format!("memoryview: format {format} not supported"))
}

fn read_item(vm: &mut Vm, access: &Access<'_>, offset: isize) -> Py {
    match access.view.code() {
        Some(code) => {
            let bytes = access.read(offset);
            fmt::unpack(vm, code, &bytes)
        }
        None => Err(unsupported(vm, &access.view.format)),
    }
}

fn write_item(vm: &mut Vm, this: &Value, offset: isize, value: &Value) -> Py<()> {
    let format = view(this).format.clone();
    let Some(code) = Code::parse(&format) else {
        return Err(unsupported(vm, &format));
    };
    match fmt::pack(vm, code, value) {
        Ok(bytes) => {
            // Converting the value may have released the view.
            access(vm, this)?.write(offset, &bytes[..code.size()]);
            Ok(())
        }
        Err(PackError::Raised(raised)) => Err(raised),
        Err(PackError::Type) => {
            let shown = format.trim_start_matches('@');
            Err(vm.type_error(format!("memoryview: invalid type for format '{shown}'")))
        }
        Err(PackError::Range) => {
            let shown = format.trim_start_matches('@');
            Err(vm.value_error(format!("memoryview: invalid value for format '{shown}'")))
        }
    }
}

/// The offset that one index adds in a dimension.
fn step(vm: &mut Vm, view: &MemoryView, dimension: usize, index: i64) -> Py<isize> {
    let len = view.shape[dimension] as i64;
    let at = if index < 0 { index + len } else { index };
    if at < 0 || at >= len {
        let message = format!("index out of bounds on dimension {}", dimension + 1);
        return Err(vm.raise(&INDEX_ERROR, message));
    }
    Ok(at as isize * view.strides[dimension])
}

fn is_index(value: &Value) -> bool {
    value.is_int() || value.type_of().slots().index.is_some()
}

/// What a subscript names.
enum Place {
    Item(isize),
    Slice(slice::Bounds),
    /// `[...]`
    All,
}

fn place(vm: &mut Vm, view: &MemoryView, key: &Value) -> Py<Place> {
    if view.ndim() == 0 {
        if items(key).is_some_and(<[Value]>::is_empty) {
            return Ok(Place::Item(0));
        }
        if key.is(&Value::ellipsis()) {
            return Ok(Place::All);
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if is_index(key) {
        let index = vm.subscript_index(key)?;
        if view.ndim() != 1 {
            return Err(not_implemented(
                vm,
                "multi-dimensional sub-views are not implemented",
            ));
        }
        return step(vm, view, 0, index).map(Place::Item);
    }
    if let Some(bounds) = slice::bounds_of(vm, key)? {
        return Ok(Place::Slice(bounds));
    }
    match items(key) {
        Some(keys) if keys.iter().all(is_index) => {
            if keys.len() > view.ndim() {
                let message = format!(
                    "cannot index {}-dimension view with {}-element tuple",
                    view.ndim(),
                    keys.len()
                );
                return Err(vm.type_error(message));
            }
            if keys.len() < view.ndim() {
                return Err(not_implemented(vm, "sub-views are not implemented"));
            }
            let mut offset = 0;
            for (dimension, key) in keys.iter().enumerate() {
                let index = vm.subscript_index(key)?;
                offset += step(vm, view, dimension, index)?;
            }
            Ok(Place::Item(offset))
        }
        Some(keys) if keys.iter().all(|key| key.cast::<slice::Slice>().is_some()) => Err(
            not_implemented(vm, "multi-dimensional slicing is not implemented"),
        ),
        _ => Err(vm.type_error("memoryview: invalid slice key")),
    }
}

/// The geometry of a slice of the first dimension.
fn sliced(access: &Access<'_>, bounds: slice::Bounds) -> Geometry {
    let mut geometry = access.geometry();
    let span = bounds.fit(geometry.shape[0]);
    // An empty slice stays where it is: its start may lie outside.
    if span.count > 0 {
        let offset = span.start as isize * geometry.strides[0];
        geometry.data = geometry.data.wrapping_offset(offset);
    }
    geometry.shape[0] = span.count;
    geometry.strides[0] = geometry.strides[0].wrapping_mul(span.step as isize);
    geometry
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let before = access(vm, this)?;
    match place(vm, view(this), key)? {
        Place::Item(offset) => {
            // Converting the index may have released the view.
            let access = access(vm, this)?;
            read_item(vm, &access, offset)
        }
        Place::All => Ok(this.clone()),
        // A slice holds the memory itself, so this view may be gone by now.
        Place::Slice(bounds) => {
            if before.view.restricted {
                return Err(vm.value_error("cannot create new view on restricted memoryview"));
            }
            let geometry = sliced(&before, bounds);
            Ok(new_view(before.base, geometry))
        }
    }
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    access(vm, this)?;
    let view = view(this);
    if view.readonly {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else {
        return Err(vm.type_error("cannot delete memory"));
    };
    if view.ndim() == 0 {
        return match place(vm, view, key)? {
            Place::Item(_) | Place::All => write_item(vm, this, 0, value),
            Place::Slice(_) => Err(vm.type_error("invalid indexing of 0-dim memory")),
        };
    }
    match place(vm, view, key)? {
        Place::Item(offset) => write_item(vm, this, offset, value),
        Place::All => write_item(vm, this, 0, value),
        Place::Slice(_) if view.ndim() > 1 => Err(not_implemented(
            vm,
            "memoryview slice assignments are currently restricted to ndim = 1",
        )),
        Place::Slice(bounds) => assign_slice(vm, this, bounds, value),
    }
}

fn assign_slice(vm: &mut Vm, this: &Value, bounds: slice::Bounds, value: &Value) -> Py<()> {
    let source = buffer::get(vm, value, flags::FULL_RO)?;
    let access = access(vm, this)?;
    let geometry = sliced(&access, bounds);
    let strip = |format: &str| format.trim_start_matches('@').to_owned();
    let same = source.shape.len() == 1
        && source.item_size == geometry.item_size
        && strip(&source.format) == strip(&geometry.format)
        && source.shape[0] == geometry.shape[0];
    if !same {
        let message = "memoryview assignment: lvalue and rvalue have different structures";
        return Err(vm.raise(&VALUE_ERROR, message));
    }
    // The source may be the same memory: take it out first.
    let bytes = gather(&source);
    let start = geometry.data as isize - access.view.data as isize;
    for (i, item) in bytes.chunks_exact(geometry.item_size.max(1)).enumerate() {
        access.write(start + i as isize * geometry.strides[0], item);
    }
    Ok(())
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    access(vm, this)?;
    match view(this).shape.first() {
        Some(len) => Ok(*len),
        None => Err(vm.type_error("0-dim memory has no length")),
    }
}

// ---- comparison and hash ----

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let Some(own) = a.cast::<MemoryView>() else {
        return Ok(Value::not_implemented());
    };
    let equal = if own.lock(vm).base.is_none() {
        a.is(b)
    } else if let Some(other) = b.cast::<MemoryView>()
        && other.lock(vm).base.is_none()
    {
        false
    } else if b.type_of().slots().buffer.is_none() {
        return Ok(Value::not_implemented());
    } else {
        match buffer::get(vm, b, flags::FULL_RO) {
            Ok(other) => {
                let own = access(vm, a)?.describe();
                equal_buffers(vm, &own, &other)?
            }
            Err(raised) => {
                drop(vm.take_raised(raised));
                return Ok(Value::not_implemented());
            }
        }
    };
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn equal_buffers(vm: &mut Vm, a: &Buffer, b: &Buffer) -> Py<bool> {
    if a.shape != b.shape {
        return Ok(false);
    }
    let (Some(left), Some(right)) = (Code::parse(&a.format), Code::parse(&b.format)) else {
        // Formats that cannot be unpacked compare by their bytes if they are the same.
        return Ok(a.format == b.format && gather(a) == gather(b));
    };
    let (one, two) = (gather(a), gather(b));
    if left == right && matches!(left, Code::Int { .. } | Code::Char) {
        return Ok(one == two);
    }
    let items = one
        .chunks_exact(left.size())
        .zip(two.chunks_exact(right.size()));
    for (one, two) in items {
        let one = fmt::unpack(vm, left, one)?;
        let two = fmt::unpack(vm, right, two)?;
        // NaN differs from itself here: the elements are compared by value.
        if !vm.compare_bool(&one, &two, CompareOp::Eq)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    let own = view(this);
    let cached = own.hash.load(Relaxed);
    if cached != 0 {
        return Ok(cached);
    }
    let access = access(vm, this)?;
    if !own.readonly {
        return Err(vm.value_error("cannot hash writable memoryview object"));
    }
    if !own.code().is_some_and(Code::is_byte) {
        return Err(vm.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
    }
    let owner = access.base.expect::<Managed>().0.owner.clone();
    own.lending(|| vm.hash(&owner))?;
    let hash = taipan_core::str_object::bytes_hash(&gather(&access.describe()));
    own.hash.store(hash, Relaxed);
    Ok(hash)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let gone = view(this).lock(vm).base.is_none();
    let word = if gone { "released memory" } else { "memory" };
    Ok(new_str(&format!("<{word} at {:#x}>", this.bits())))
}

// ---- lending and releasing ----

fn lend(vm: &mut Vm, this: &Value, request: u32) -> Py<Buffer> {
    let access = access_to_share(vm, this)?;
    let own = view(this);
    let refuse = |vm: &mut Vm, message: &str| Err(vm.raise(&BUFFER_ERROR, message));
    if request & flags::WRITABLE != 0 && own.readonly {
        return refuse(vm, "memoryview: underlying buffer is not writable");
    }
    let wants = |flags: u32| request & flags == flags;
    if wants(flags::C_CONTIGUOUS) && !own.is_c_contiguous() {
        return refuse(vm, "memoryview: underlying buffer is not C-contiguous");
    }
    if wants(flags::F_CONTIGUOUS) && !own.is_f_contiguous() {
        return refuse(
            vm,
            "memoryview: underlying buffer is not Fortran contiguous",
        );
    }
    if wants(flags::ANY_CONTIGUOUS) && !own.is_c_contiguous() && !own.is_f_contiguous() {
        return refuse(vm, "memoryview: underlying buffer is not contiguous");
    }
    if !wants(flags::STRIDES) && !own.is_c_contiguous() {
        return refuse(vm, "memoryview: underlying buffer is not C-contiguous");
    }
    let mut lent = access.describe();
    lent.owner = this.clone();
    lent.release = Some(|owner| {
        if let Some(view) = owner.cast::<MemoryView>() {
            view.exports.fetch_sub(1, Relaxed);
        }
    });
    own.exports.fetch_add(1, Relaxed);
    Ok(lent)
}

pub(crate) fn release(vm: &mut Vm, this: &Value) -> Py {
    let own = view(this);
    let exports = own.exports.load(Relaxed);
    if exports > 0 {
        let plural = if exports == 1 { "" } else { "s" };
        let message = format!("memoryview has {exports} exported buffer{plural}");
        return Err(vm.raise(&BUFFER_ERROR, message));
    }
    let base = own.lock(vm).base.take();
    drop(base);
    Ok(Value::none())
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    access(vm, this)?;
    Ok(this.clone())
}

fn exit(vm: &mut Vm, this: &Value, _args: Args<'_>) -> Py {
    release(vm, this)
}

// ---- conversions ----

fn tobytes(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let order = match args.get(0).filter(|order| !order.is_none()) {
        None => 'C',
        Some(order) => {
            let Some(text) = str_of(order) else {
                let message = format!(
                    "tobytes() argument 'order' must be str or None, not {}",
                    order.type_of().name()
                );
                return Err(vm.type_error(message));
            };
            match text.ascii() {
                Some("C") => 'C',
                Some("F") => 'F',
                Some("A") => 'A',
                _ => return Err(vm.value_error("order must be 'C', 'F' or 'A'")),
            }
        }
    };
    let access = access(vm, this)?;
    let own = view(this);
    let fortran = order == 'F' || order == 'A' && own.is_f_contiguous() && !own.is_c_contiguous();
    let mut description = access.describe();
    if fortran {
        // Fortran order of the elements is C order of the transposed view.
        description.shape.reverse();
        description.strides.reverse();
    }
    let bytes = gather(&description);
    crate::bytes::new_bytes(vm, &bytes)
}

fn hex(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let bytes = gather(&access(vm, this)?.describe());
    view(this).lending(|| crate::bytes::hex_text(vm, &bytes, args.get(0), args.get(1)))
}

fn tolist(vm: &mut Vm, this: &Value) -> Py {
    let access = access(vm, this)?;
    if access.view.code().is_none() {
        return Err(unsupported(vm, &access.view.format));
    }
    list_of(vm, &access, 0, 0)
}

fn list_of(vm: &mut Vm, access: &Access<'_>, dimension: usize, offset: isize) -> Py {
    let Some(len) = access.view.shape.get(dimension) else {
        return read_item(vm, access, offset);
    };
    let mut out = Vec::with_capacity(*len);
    for i in 0..*len {
        let at = offset + i as isize * access.view.strides[dimension];
        out.push(list_of(vm, access, dimension + 1, at)?);
    }
    Ok(crate::list::new_list(out))
}

fn toreadonly(vm: &mut Vm, this: &Value) -> Py {
    let access = access_to_share(vm, this)?;
    let mut geometry = access.geometry();
    geometry.readonly = true;
    Ok(new_view(access.base, geometry))
}

fn cast(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let Some(format) = str_of(args.req(0)).map(|text| text.to_lossy()) else {
        let message = format!(
            "cast() argument 'format' must be str, not {}",
            args.req(0).type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let access = access_to_share(vm, this)?;
    let own = access.view;
    if !own.is_c_contiguous() {
        return Err(vm.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    let shape = args.get(1);
    if let Some(shape) = shape
        && items(shape).is_none()
        && crate::list::list_of(shape).is_none()
    {
        return Err(vm.type_error("shape must be a list or a tuple"));
    }
    if (shape.is_some() || own.ndim() != 1) && (own.shape.contains(&0) || own.strides.contains(&0))
    {
        return Err(vm.type_error("memoryview: cannot cast view with zeros in shape or strides"));
    }
    let shape = match shape {
        Some(shape) => Some(shape_argument(vm, shape)?),
        None => None,
    };
    if let Some(shape) = &shape {
        if shape.len() > MAX_DIMENSIONS {
            let message =
                format!("memoryview: number of dimensions must not exceed {MAX_DIMENSIONS}");
            return Err(vm.value_error(message));
        }
        if own.ndim() != 1 && shape.len() != 1 {
            return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
        }
    }
    let native = "format must be a native single character format prefixed with an optional '@'";
    let Some(code) = Code::parse(&format) else {
        return Err(vm.value_error(format!("memoryview: destination {native}")));
    };
    let Some(from) = own.code() else {
        return Err(vm.value_error(format!("memoryview: source {native}")));
    };
    if !code.is_byte() && !from.is_byte() {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let bytes = own.count() * own.item_size;
    if bytes % code.size() != 0 {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let shape = shape.unwrap_or_else(|| vec![bytes / code.size()]);
    let product = shape
        .iter()
        .try_fold(code.size(), |product, len| product.checked_mul(*len));
    if product != Some(bytes) {
        return Err(vm.type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    let mut geometry = access.geometry();
    geometry.format = format.into();
    geometry.item_size = code.size();
    geometry.strides = c_strides(&shape, code.size());
    geometry.shape = shape;
    Ok(new_view(access.base, geometry))
}

fn c_strides(shape: &[usize], item_size: usize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = item_size as isize;
    for (place, len) in strides.iter_mut().zip(shape).rev() {
        *place = stride;
        stride *= *len as isize;
    }
    strides
}

fn shape_argument(vm: &mut Vm, shape: &Value) -> Py<Vec<usize>> {
    let mut out = Vec::new();
    for len in vm.to_vec(shape)? {
        if !len.is_int() {
            return Err(vm.type_error("memoryview.cast(): elements of shape must be integers"));
        }
        match len.as_i64() {
            Some(len) if len > 0 => out.push(len as usize),
            _ => {
                let message = "memoryview.cast(): elements of shape must be integers > 0";
                return Err(vm.value_error(message));
            }
        }
    }
    Ok(out)
}

fn from_flags_method(vm: &mut Vm, _cls: &Value, args: &Bound) -> Py {
    let request = vm.index_i64(args.req(1))?;
    from_flags(vm, args.req(0), request as u32)
}

// ---- searching ----

/// All elements of a one-dimensional view, one after the other.
fn one_dimension(vm: &mut Vm, this: &Value, what: &str) -> Py<usize> {
    access(vm, this)?;
    match view(this).ndim() {
        1 => Ok(view(this).shape[0]),
        0 => Err(vm.type_error("invalid indexing of 0-dim memory")),
        _ => Err(not_implemented(vm, what)),
    }
}

fn item_at(vm: &mut Vm, this: &Value, index: usize) -> Py {
    let access = access(vm, this)?;
    let offset = index as isize * access.view.strides[0];
    read_item(vm, &access, offset)
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let len = one_dimension(vm, this, "multi-dimensional lookup is not implemented")?;
    let bound = |vm: &mut Vm, value: Option<&Value>, default: usize| match value {
        Some(value) => {
            let bound = slice::slice_index(vm, value)?;
            Ok(slice::clamp_to(bound, len))
        }
        None => Ok(default),
    };
    let from = bound(vm, args.get(1), 0)?;
    let to = bound(vm, args.get(2), len)?;
    for i in from..to {
        let item = item_at(vm, this, i)?;
        if vm.equal(&item, &args[0])? {
            return Ok(Value::int(i as i64));
        }
    }
    Err(vm.value_error("memoryview.index(x): x not found"))
}

fn count(vm: &mut Vm, this: &Value, wanted: &Value) -> Py {
    let len = one_dimension(vm, this, "multi-dimensional sub-views are not implemented")?;
    let mut found = 0;
    for i in 0..len {
        let item = item_at(vm, this, i)?;
        found += vm.equal(&item, wanted)? as i64;
    }
    Ok(Value::int(found))
}

// ---- iteration ----

/// Position and, until exhausted, the view.
pub struct Position {
    object: Option<Value>,
    at: usize,
}

/// Payload of `memory_iterator`.
pub struct MemoryIterator(Locked<Position>);

impl HasState for MemoryIterator {
    type State = Position;
    fn cell(&self) -> &Locked<Position> {
        &self.0
    }
}

// SAFETY: the view is the only reference.
unsafe impl Payload for MemoryIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MEMORY_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &self.0.get_unlocked().object });
    }
}

fn iter(vm: &mut Vm, this: &Value) -> Py {
    one_dimension(vm, this, "multi-dimensional sub-views are not implemented")?;
    let access = access(vm, this)?;
    if access.view.code().is_none() {
        return Err(unsupported(vm, &access.view.format));
    }
    Ok(new_instance(
        &MEMORY_ITERATOR,
        MemoryIterator(Locked::new(Position {
            object: Some(this.clone()),
            at: 0,
        })),
    ))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<MemoryIterator>();
    let (object, at) = {
        let mut state = iterator.lock(vm);
        let Some(object) = state.object.clone() else {
            return Ok(None);
        };
        let at = state.at;
        state.at += 1;
        (object, at)
    };
    if at < view(&object).shape[0] {
        return item_at(vm, &object, at).map(Some);
    }
    let gone = iterator.lock(vm).object.take();
    drop(gone);
    Ok(None)
}

fn same(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

// ---- attributes ----

macro_rules! attributes {
    ($($name:literal $doc:literal |$view:ident| $value:expr;)*) => {
        [$(getter(
            $name,
            |vm, this| {
                let access = access(vm, this)?;
                let $view = &access;
                Ok($value)
            },
            $doc,
        )),*]
    };
}

static GETSET: [GetSetDef; 12] = attributes! {
    "obj" "The object whose memory this is." |access| access.base.expect::<Managed>().0.owner.clone();
    "nbytes" "Bytes that the elements take in a row."
        |access| Value::int((access.view.count() * access.view.item_size) as i64);
    "readonly" "May the memory not be written?" |access| Value::bool(access.view.readonly);
    "itemsize" "Bytes of one element." |access| Value::int(access.view.item_size as i64);
    "format" "The struct format of an element." |access| new_str(&access.view.format);
    "ndim" "Number of dimensions." |access| Value::int(access.view.ndim() as i64);
    "shape" "The length of each dimension."
        |access| new_tuple(access.view.shape.iter().map(|len| Value::int(*len as i64)));
    "strides" "Bytes from one element to the next, for each dimension."
        |access| new_tuple(access.view.strides.iter().map(|len| Value::int(*len as i64)));
    "suboffsets" "Empty: there is no indirect memory."
        |_access| taipan_core::tuple_object::empty_tuple();
    "c_contiguous" "Do the elements lie in one row in C order?"
        |access| Value::bool(access.view.is_c_contiguous());
    "f_contiguous" "Do the elements lie in one row in Fortran order?"
        |access| Value::bool(access.view.is_f_contiguous());
    "contiguous" "Do the elements lie in one row?"
        |access| Value::bool(access.view.is_c_contiguous() || access.view.is_f_contiguous());
};

static METHODS: [MethodDef; 12] = [
    f0(
        "release(self, /)",
        release,
        "Gives the memory back to its owner; the view cannot be used any more.",
    ),
    bound(
        "tobytes(self, /, order='C')",
        tobytes,
        "The elements as bytes.\n\nOrder 'C' is row by row, 'F' column by column, 'A' as they lie in memory if they can be\ntold to be in one of these.",
    ),
    bound(
        "hex(self, /, sep=<unrepresentable>, bytes_per_sep=1)",
        hex,
        "The bytes of the elements as hexadecimal digits.\n\n>>> memoryview(b'taipan').hex('-', 2)\n'7461-6970-616e'",
    ),
    f0(
        "tolist(self, /)",
        tolist,
        "The elements as a list, a list of lists for two dimensions, and so on.",
    ),
    bound(
        "cast(self, /, format, shape=<unrepresentable>)",
        cast,
        "A view of the same memory with another format or shape.",
    ),
    f0(
        "toreadonly(self, /)",
        toreadonly,
        "A view of the same memory that does not write.",
    ),
    bound(
        "_from_flags(type, /, object, flags)",
        from_flags_method,
        "A view made with a particular buffer request.",
    )
    .class_method(),
    f1(
        "count(self, value, /)",
        count,
        "How many elements equal value.",
    ),
    positional(
        "index(self, value, start=0, stop=sys.maxsize, /)",
        index,
        "The first index at which an element equals value; ValueError if there is none.",
    ),
    f0("__enter__(self, /)", enter, "The view itself."),
    raw("__exit__(self, /, *exc_info)", exit, "Releases the view."),
    f1(
        "__class_getitem__(type, object, /)",
        check::class_getitem,
        "See PEP 585.",
    )
    .class_method(),
];

static LAYOUT: Layout = Layout::of::<MemoryView>();
static ITERATOR_LAYOUT: Layout = Layout::of::<MemoryIterator>();
static MANAGED_LAYOUT: Layout = Layout::of::<Managed>();

static SPEC: TypeSpec = TypeSpec {
    name: "memoryview",
    flags: TypeFlags::WEAKREF.union(TypeFlags::SEQUENCE),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(len),
        get_item: Some(get_item),
        set_item: Some(set_item),
        buffer: Some(lend),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "memoryview(object)\n--\n\nA view of the memory of an object that supports the buffer protocol.",
    ..TypeSpec::DEFAULT
};

static MANAGED_SPEC: TypeSpec = TypeSpec {
    name: "managedbuffer",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&MANAGED_LAYOUT),
    ..TypeSpec::DEFAULT
};

static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "memory_iterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(same),
        next: Some(next),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// Defines `memoryview` and its helpers.
pub fn define() {
    MEMORYVIEW.define(&SPEC);
    MANAGED_BUFFER.define(&MANAGED_SPEC);
    MEMORY_ITERATOR.define(&ITERATOR_SPEC);
}
