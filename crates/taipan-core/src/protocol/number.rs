//! Arithmetic operators and conversions to int and index.

use crate::Py;
use crate::builtin_types as types;
use crate::slots::{BinaryFn, BinaryOp, TernaryFn};
use crate::value::Value;
use crate::vm::Vm;
use dashu_int::IBig;

impl Vm {
    /// `a op b`
    pub fn binary(&mut self, op: BinaryOp, a: &Value, b: &Value) -> Py {
        let result = self.binary_slots(op, a, b)?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
        let sequence = match op {
            BinaryOp::Add => self.concat(a, b)?,
            BinaryOp::Multiply => self.repeat(a, b)?,
            _ => None,
        };
        match sequence {
            Some(value) => Ok(value),
            None => Err(self.unsupported(op.symbol(), a, b)),
        }
    }

    /// `a op= b`
    pub fn inplace(&mut self, op: BinaryOp, a: &Value, b: &Value) -> Py {
        if let Some(function) = a.type_of().slots().inplace[op as usize] {
            let result = function(self, a, b)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
        }
        let result = self.binary_slots(op, a, b)?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
        let sequence = match op {
            BinaryOp::Add => match a.type_of().slots().inplace_concat {
                Some(concat) => Some(concat(self, a, b)?),
                None => self.concat(a, b)?,
            },
            BinaryOp::Multiply => match a.type_of().slots().inplace_repeat {
                Some(repeat) => {
                    if b.type_of().slots().index.is_none() {
                        return Err(self.not_a_repeat_count(b));
                    }
                    Some(repeat(self, a, b)?)
                }
                None => self.repeat(a, b)?,
            },
            _ => None,
        };
        match sequence {
            Some(value) => Ok(value),
            None => {
                let symbol = format!("{}=", op.symbol());
                Err(self.unsupported(&symbol, a, b))
            }
        }
    }

    /// Asks both operands, the right one first if its type is a subclass of the left one's.
    fn binary_slots(&mut self, op: BinaryOp, a: &Value, b: &Value) -> Py {
        let left = a.type_of().slots().binary[op as usize];
        let right = b.type_of().slots().binary[op as usize];
        let differs = |one: Option<BinaryFn>, other: Option<BinaryFn>| {
            one.map(|f| f as usize) != other.map(|f| f as usize)
        };
        let right = if differs(left, right) { right } else { None };
        if let Some(left) = left {
            let mut right_first = false;
            if let Some(right) = right
                && b.type_of().is_subtype(a.type_of())
            {
                let result = right(self, a, b)?;
                if !result.is_not_implemented() {
                    return Ok(result);
                }
                right_first = true;
            }
            let result = left(self, a, b)?;
            if !result.is_not_implemented() || right_first {
                return Ok(result);
            }
        }
        match right {
            Some(right) => right(self, a, b),
            None => Ok(Value::not_implemented()),
        }
    }

    fn concat(&mut self, a: &Value, b: &Value) -> Py<Option<Value>> {
        match a.type_of().slots().concat {
            Some(concat) => concat(self, a, b).map(Some),
            None => Ok(None),
        }
    }

    fn repeat(&mut self, a: &Value, b: &Value) -> Py<Option<Value>> {
        if let Some(repeat) = a.type_of().slots().repeat {
            if b.type_of().slots().index.is_none() {
                return Err(self.not_a_repeat_count(b));
            }
            return repeat(self, a, b).map(Some);
        }
        if let Some(repeat) = b.type_of().slots().repeat {
            if a.type_of().slots().index.is_none() {
                return Err(self.not_a_repeat_count(a));
            }
            return repeat(self, b, a).map(Some);
        }
        Ok(None)
    }

    #[cold]
    fn not_a_repeat_count(&mut self, count: &Value) -> crate::Raised {
        let message = format!(
            "can't multiply sequence by non-int of type '{}'",
            count.type_of().name()
        );
        self.type_error(message)
    }

    /// `TypeError: unsupported operand type(s) for ...`
    #[cold]
    pub fn unsupported(&mut self, symbol: &str, a: &Value, b: &Value) -> crate::Raised {
        let message = format!(
            "unsupported operand type(s) for {symbol}: '{}' and '{}'",
            a.type_of().name(),
            b.type_of().name()
        );
        self.type_error(message)
    }

    /// `pow(base, exponent, modulus)`; `None` as the modulus is `base ** exponent`.
    pub fn power(&mut self, base: &Value, exponent: &Value, modulus: &Value) -> Py {
        if let Some(result) = self.power_slots(base, exponent, modulus)? {
            return Ok(result);
        }
        if modulus.is_none() {
            return Err(self.unsupported("** or pow()", base, exponent));
        }
        let message = format!(
            "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
            base.type_of().name(),
            exponent.type_of().name(),
            modulus.type_of().name()
        );
        Err(self.type_error(message))
    }

    /// What the operands' types make of the power; `None` if none of them knows how.
    fn power_slots(
        &mut self,
        base: &Value,
        exponent: &Value,
        modulus: &Value,
    ) -> Py<Option<Value>> {
        let left = base.type_of().slots().power;
        let right = exponent.type_of().slots().power;
        let third = modulus.type_of().slots().power;
        let same = |one: Option<TernaryFn>, other: Option<TernaryFn>| {
            one.map(|f| f as usize) == other.map(|f| f as usize)
        };
        let mut tried: [Option<TernaryFn>; 3] = [left, None, None];
        if !same(left, right) {
            tried[1] = right;
            if left.is_some() && right.is_some() && exponent.type_of().is_subtype(base.type_of()) {
                tried.swap(0, 1);
            }
        }
        if !same(third, left) && !same(third, right) && !modulus.is_none() {
            tried[2] = third;
        }
        for power in tried.into_iter().flatten() {
            let result = power(self, base, exponent, modulus)?;
            if !result.is_not_implemented() {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    /// `base **= exponent`
    pub fn inplace_power(&mut self, base: &Value, exponent: &Value) -> Py {
        let none = Value::none();
        if let Some(power) = base.type_of().slots().inplace_power {
            let result = power(self, base, exponent, &none)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
        }
        match self.power_slots(base, exponent, &none)? {
            Some(value) => Ok(value),
            None => Err(self.unsupported("**=", base, exponent)),
        }
    }

    /// `-x`, `+x`, `~x`: `slot` picks the function, `symbol` is for the message.
    pub fn unary(
        &mut self,
        value: &Value,
        slot: fn(&crate::slots::Slots) -> Option<crate::slots::UnaryFn>,
        symbol: &str,
    ) -> Py {
        match slot(value.type_of().slots()) {
            Some(function) => function(self, value),
            None => {
                let message = format!(
                    "bad operand type for unary {symbol}: '{}'",
                    value.type_of().name()
                );
                Err(self.type_error(message))
            }
        }
    }

    /// `operator.index(value)`: an `int`, possibly an instance of a subclass.
    pub fn index(&mut self, value: &Value) -> Py {
        if value.is_int() {
            return Ok(value.clone());
        }
        match value.type_of().slots().index {
            Some(index) => {
                let result = index(self, value)?;
                if result.is_exact(&types::INT) {
                    return Ok(result);
                }
                if result.is_int() {
                    let message = format!(
                        "__index__ returned non-int (type {}).  The ability to return an instance of a strict subclass \
                         of int is deprecated, and may not be supported in a future version of Python.",
                        result.type_of().name()
                    );
                    self.warn(&types::DEPRECATION_WARNING, &message, 1)?;
                    return Ok(result);
                }
                let message = format!(
                    "__index__ returned non-int (type {})",
                    result.type_of().name()
                );
                Err(self.type_error(message))
            }
            None => {
                let message = format!(
                    "'{}' object cannot be interpreted as an integer",
                    value.type_of().name()
                );
                Err(self.type_error(message))
            }
        }
    }

    /// An index as a machine number: `OverflowError` if it does not fit (`cannot fit 'int' into an index-sized integer` as
    /// `IndexError` for subscripts: see [`Vm::subscript_index`]).
    pub fn index_i64(&mut self, value: &Value) -> Py<i64> {
        if let Some(i) = value.small_int() {
            return Ok(i);
        }
        let index = self.index(value)?;
        match index.as_i64() {
            Some(i) => Ok(i),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// A subscript as a machine number; too large ones are an `IndexError`.
    pub fn subscript_index(&mut self, value: &Value) -> Py<i64> {
        if let Some(i) = value.small_int() {
            return Ok(i);
        }
        let index = self.index(value)?;
        match index.as_i64() {
            Some(i) => Ok(i),
            None => {
                let message = format!(
                    "cannot fit '{}' into an index-sized integer",
                    value.type_of().name()
                );
                Err(self.index_error(message))
            }
        }
    }

    /// An index as a machine number, clamped to its range (slice bounds).
    pub fn index_clamped(&mut self, value: &Value) -> Py<i64> {
        let index = self.index(value)?;
        match index.as_i64() {
            Some(i) => Ok(i),
            None => {
                let negative = index.as_big().is_some_and(|big| big < IBig::ZERO);
                Ok(if negative { i64::MIN } else { i64::MAX })
            }
        }
    }

    /// A float argument: a float, an int, or what `__float__` or `__index__` give.
    pub fn to_f64(&mut self, value: &Value) -> Py<f64> {
        if let Some(x) = value.as_float() {
            return Ok(x);
        }
        if let Some(i) = value.small_int() {
            return Ok(i as f64);
        }
        let slots = value.type_of().slots();
        if let Some(float) = slots.float {
            let result = float(self, value)?;
            return match result.as_float() {
                Some(x) => Ok(x),
                None => {
                    let message = format!(
                        "{}.__float__() must return a float, not {}",
                        value.type_of().name(),
                        result.type_of().name()
                    );
                    Err(self.type_error(message))
                }
            };
        }
        if slots.index.is_some() {
            let index = self.index(value)?;
            return self.to_f64(&index);
        }
        let message = format!("must be real number, not {}", value.type_of().name());
        Err(self.type_error(message))
    }
}
