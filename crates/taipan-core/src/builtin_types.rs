//! The statics of the builtin types. Core needs their identity; `taipan-types` defines them.

use crate::type_object::{Type, TypeObject};

macro_rules! builtin_types {
    ($($ident:ident $name:literal)*) => {
        $(#[doc = concat!("The type `", $name, "`.")] pub static $ident: TypeObject = Type::declare($name);)*
    };
}

builtin_types! {
    OBJECT "object"
    TYPE "type"
    SUPER "super"
    INT "int"
    BOOL "bool"
    FLOAT "float"
    COMPLEX "complex"
    STR "str"
    BYTES "bytes"
    BYTEARRAY "bytearray"
    MEMORYVIEW "memoryview"
    LIST "list"
    TUPLE "tuple"
    DICT "dict"
    SET "set"
    FROZENSET "frozenset"
    SLICE "slice"
    RANGE "range"
    NONE_TYPE "NoneType"
    NOT_IMPLEMENTED_TYPE "NotImplementedType"
    ELLIPSIS_TYPE "ellipsis"
    FUNCTION "function"
    METHOD "method"
    CODE "code"
    FRAME "frame"
    TRACEBACK "traceback"
    CELL "cell"
    MODULE "module"
    GENERATOR "generator"
    COROUTINE "coroutine"
    COROUTINE_WRAPPER "coroutine_wrapper"
    ASYNC_GENERATOR "async_generator"
    PROPERTY "property"
    CLASSMETHOD "classmethod"
    STATICMETHOD "staticmethod"
    NATIVE_FUNCTION "builtin_function_or_method"
    METHOD_DESCRIPTOR "method_descriptor"
    CLASSMETHOD_DESCRIPTOR "classmethod_descriptor"
    WRAPPER_DESCRIPTOR "wrapper_descriptor"
    METHOD_WRAPPER "method-wrapper"
    GETSET_DESCRIPTOR "getset_descriptor"
    MEMBER_DESCRIPTOR "member_descriptor"
    MAPPING_PROXY "mappingproxy"
    SIMPLE_NAMESPACE "types.SimpleNamespace"
    GENERIC_ALIAS "types.GenericAlias"
    UNION "typing.Union"
    WEAKREF_TYPE "weakref.ReferenceType"
    WEAK_PROXY_TYPE "weakref.ProxyType"
    WEAK_CALLABLE_PROXY_TYPE "weakref.CallableProxyType"
    DICT_KEYS "dict_keys"
    DICT_VALUES "dict_values"
    DICT_ITEMS "dict_items"
    LIST_ITERATOR "list_iterator"
    TUPLE_ITERATOR "tuple_iterator"
    STR_ITERATOR "str_iterator"
    RANGE_ITERATOR "range_iterator"
    SEQUENCE_ITERATOR "iterator"
    CALLABLE_ITERATOR "callable_iterator"
    ENUMERATE "enumerate"
    ZIP "zip"
    MAP "map"
    FILTER "filter"
    REVERSED "reversed"
}

/// Declares the exception hierarchy: `IDENT "Name" BASE`, bases first.
#[macro_export]
macro_rules! for_each_exception {
    ($apply:ident) => {
        $apply! {
            BASE_EXCEPTION "BaseException" OBJECT
            BASE_EXCEPTION_GROUP "BaseExceptionGroup" BASE_EXCEPTION
            GENERATOR_EXIT "GeneratorExit" BASE_EXCEPTION
            KEYBOARD_INTERRUPT "KeyboardInterrupt" BASE_EXCEPTION
            SYSTEM_EXIT "SystemExit" BASE_EXCEPTION
            EXCEPTION "Exception" BASE_EXCEPTION
            EXCEPTION_GROUP "ExceptionGroup" BASE_EXCEPTION_GROUP
            ARITHMETIC_ERROR "ArithmeticError" EXCEPTION
            FLOATING_POINT_ERROR "FloatingPointError" ARITHMETIC_ERROR
            OVERFLOW_ERROR "OverflowError" ARITHMETIC_ERROR
            ZERO_DIVISION_ERROR "ZeroDivisionError" ARITHMETIC_ERROR
            ASSERTION_ERROR "AssertionError" EXCEPTION
            ATTRIBUTE_ERROR "AttributeError" EXCEPTION
            BUFFER_ERROR "BufferError" EXCEPTION
            EOF_ERROR "EOFError" EXCEPTION
            IMPORT_ERROR "ImportError" EXCEPTION
            MODULE_NOT_FOUND_ERROR "ModuleNotFoundError" IMPORT_ERROR
            LOOKUP_ERROR "LookupError" EXCEPTION
            INDEX_ERROR "IndexError" LOOKUP_ERROR
            KEY_ERROR "KeyError" LOOKUP_ERROR
            MEMORY_ERROR "MemoryError" EXCEPTION
            NAME_ERROR "NameError" EXCEPTION
            UNBOUND_LOCAL_ERROR "UnboundLocalError" NAME_ERROR
            OS_ERROR "OSError" EXCEPTION
            BLOCKING_IO_ERROR "BlockingIOError" OS_ERROR
            CHILD_PROCESS_ERROR "ChildProcessError" OS_ERROR
            CONNECTION_ERROR "ConnectionError" OS_ERROR
            BROKEN_PIPE_ERROR "BrokenPipeError" CONNECTION_ERROR
            CONNECTION_ABORTED_ERROR "ConnectionAbortedError" CONNECTION_ERROR
            CONNECTION_REFUSED_ERROR "ConnectionRefusedError" CONNECTION_ERROR
            CONNECTION_RESET_ERROR "ConnectionResetError" CONNECTION_ERROR
            FILE_EXISTS_ERROR "FileExistsError" OS_ERROR
            FILE_NOT_FOUND_ERROR "FileNotFoundError" OS_ERROR
            INTERRUPTED_ERROR "InterruptedError" OS_ERROR
            IS_A_DIRECTORY_ERROR "IsADirectoryError" OS_ERROR
            NOT_A_DIRECTORY_ERROR "NotADirectoryError" OS_ERROR
            PERMISSION_ERROR "PermissionError" OS_ERROR
            PROCESS_LOOKUP_ERROR "ProcessLookupError" OS_ERROR
            TIMEOUT_ERROR "TimeoutError" OS_ERROR
            REFERENCE_ERROR "ReferenceError" EXCEPTION
            RUNTIME_ERROR "RuntimeError" EXCEPTION
            NOT_IMPLEMENTED_ERROR "NotImplementedError" RUNTIME_ERROR
            PYTHON_FINALIZATION_ERROR "PythonFinalizationError" RUNTIME_ERROR
            RECURSION_ERROR "RecursionError" RUNTIME_ERROR
            STOP_ASYNC_ITERATION "StopAsyncIteration" EXCEPTION
            STOP_ITERATION "StopIteration" EXCEPTION
            SYNTAX_ERROR "SyntaxError" EXCEPTION
            INCOMPLETE_INPUT_ERROR "_IncompleteInputError" SYNTAX_ERROR
            INDENTATION_ERROR "IndentationError" SYNTAX_ERROR
            TAB_ERROR "TabError" INDENTATION_ERROR
            SYSTEM_ERROR "SystemError" EXCEPTION
            TYPE_ERROR "TypeError" EXCEPTION
            VALUE_ERROR "ValueError" EXCEPTION
            UNICODE_ERROR "UnicodeError" VALUE_ERROR
            UNICODE_DECODE_ERROR "UnicodeDecodeError" UNICODE_ERROR
            UNICODE_ENCODE_ERROR "UnicodeEncodeError" UNICODE_ERROR
            UNICODE_TRANSLATE_ERROR "UnicodeTranslateError" UNICODE_ERROR
            WARNING "Warning" EXCEPTION
            BYTES_WARNING "BytesWarning" WARNING
            DEPRECATION_WARNING "DeprecationWarning" WARNING
            ENCODING_WARNING "EncodingWarning" WARNING
            FUTURE_WARNING "FutureWarning" WARNING
            IMPORT_WARNING "ImportWarning" WARNING
            PENDING_DEPRECATION_WARNING "PendingDeprecationWarning" WARNING
            RESOURCE_WARNING "ResourceWarning" WARNING
            RUNTIME_WARNING "RuntimeWarning" WARNING
            SYNTAX_WARNING "SyntaxWarning" WARNING
            UNICODE_WARNING "UnicodeWarning" WARNING
            USER_WARNING "UserWarning" WARNING
        }
    };
}

macro_rules! declare_exceptions {
    ($($ident:ident $name:literal $base:ident)*) => {
        $(#[doc = concat!("The exception `", $name, "`.")] pub static $ident: TypeObject = Type::declare($name);)*
    };
}

for_each_exception!(declare_exceptions);
