//! The JSON Schemas of leaves and forms.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::scenario::read::Field;

use super::{Form, Listed, Map, Number, Raw, Text};

/// Types whose schema stands where they are used.
macro_rules! inline {
    ($([$($generic:tt)*] $type:ty, $name:literal, $generator:ident => $schema:expr;)*) => {$(
        impl<$($generic)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

inline! {
    [] Text, "Text", _generator => json_schema!({ "type": ["string", "number", "boolean"] });
    [] Raw, "Raw", _generator => json_schema!({ "type": ["string", "number", "boolean", "null"] });
    [const MIN: u64, const MAX: u64] Number<MIN, MAX>, "Number", _generator => json_schema!({
        "type": "integer", "minimum": MIN, "maximum": MAX
    });
    [S: JsonSchema, L: JsonSchema] Form<S, L>, "Form", generator => json_schema!({
        "anyOf": [generator.subschema_for::<S>(), generator.subschema_for::<L>()]
    });
    [W: JsonSchema, T: JsonSchema] Listed<W, T>, "Listed", generator => json_schema!({
        "anyOf": [generator.subschema_for::<W>(), generator.subschema_for::<Vec<Field<T>>>()]
    });
    [V: JsonSchema] Map<V>, "Map", generator => json_schema!({
        "type": "object", "additionalProperties": generator.subschema_for::<Field<V>>()
    });
}
