//! Semantic versions, by the rules of Masterminds' library, version 3.

mod constraint;
mod version;

use constraint::Constraints;
use version::{Version, VersionError, check_metadata, check_prerelease};

use crate::template::context::Context;
use crate::template::function::Parameter::{Object as AnObject, Text as AText};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::object::Object;
use crate::template::text::Text;
use crate::template::value::{Kind, Value};

pub(super) const TABLE: &[Function] =
    &[Function::new("semver", &[AText], semver), Function::new("semverCompare", &[AText, AText], semver_compare)];

/// Longer text is no version anybody means.
const LONGEST: usize = 4096;

fn semver(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let version = Version::parse(readable(args, 0)?).map_err(failed)?;
    Ok(Value::object(VersionObject { version, pointer: true }))
}

/// Whether the version (second) satisfies the constraint (first).
fn semver_compare(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len())?;
    let constraints = Constraints::parse(readable(args, 0)?).map_err(failed)?;
    let version = Version::parse(readable(args, 1)?).map_err(failed)?;
    Ok(Value::Bool(constraints.check(&version)))
}

fn readable(args: Arguments<'_>, index: usize) -> Result<&str, FunctionError> {
    let text = args.text(index)?;
    if text.len() > LONGEST {
        return Err(FunctionError::Unsupported("the version is too long"));
    }
    std::str::from_utf8(text).map_err(|_| FunctionError::failed("Invalid Semantic Version"))
}

fn failed(error: VersionError) -> FunctionError {
    FunctionError::failed(error.to_string())
}

/// `*semver.Version`, or `semver.Version` as its own methods give it.
struct VersionObject {
    version: Version,
    pointer: bool,
}

impl Object for VersionObject {
    fn type_name(&self) -> &'static str {
        if self.pointer { POINTER } else { "semver.Version" }
    }

    fn kind(&self) -> Kind {
        if self.pointer { Kind::Pointer } else { Kind::Struct }
    }

    fn text(&self) -> Option<Text> {
        Some(Text::from(self.version.to_string()))
    }

    fn json(&self) -> Option<Value> {
        self.text().map(Value::Text)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let version = &self.version;
        vec![
            ("major", Value::Uint64(version.major)),
            ("minor", Value::Uint64(version.minor)),
            ("patch", Value::Uint64(version.patch)),
            ("pre", Value::text(version.prerelease.as_str())),
            ("metadata", Value::text(version.metadata.as_str())),
            ("original", Value::text(version.original.as_str())),
        ]
    }

    fn copied(&self) -> Option<Value> {
        Some(Value::object(VersionObject { version: Version::default(), pointer: self.pointer }))
    }

    fn methods(&self) -> &'static [Function] {
        if self.pointer { POINTER_METHODS } else { METHODS }
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<VersionObject>();
        other.is_some_and(|other| other.pointer == self.pointer && other.version == self.version)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

const POINTER: &str = "*semver.Version";

const POINTER_METHODS: &[Function] = &[
    Function::new("Major", &[], |_, args| Ok(Value::Uint64(receiver(args)?.major))),
    Function::new("Minor", &[], |_, args| Ok(Value::Uint64(receiver(args)?.minor))),
    Function::new("Patch", &[], |_, args| Ok(Value::Uint64(receiver(args)?.patch))),
    Function::new("Prerelease", &[], |_, args| Ok(Value::text(receiver(args)?.prerelease.as_str()))),
    Function::new("Metadata", &[], |_, args| Ok(Value::text(receiver(args)?.metadata.as_str()))),
    Function::new("String", &[], |_, args| Ok(Value::text(receiver(args)?.to_string()))),
    Function::new("Value", &[], |_, args| Ok(Value::text(receiver(args)?.to_string()))),
    Function::new("IncMajor", &[], |_, args| Ok(by_value(receiver(args)?.next_major()))),
    Function::new("IncMinor", &[], |_, args| Ok(by_value(receiver(args)?.next_minor()))),
    Function::new("IncPatch", &[], |_, args| Ok(by_value(receiver(args)?.next_patch()))),
    Function::new("SetPrerelease", &[AText], set_prerelease),
    Function::new("SetMetadata", &[AText], set_metadata),
    Function::new("Original", &[], |_, args| Ok(Value::text(receiver(args)?.original.as_str()))),
    Function::new("Compare", &[AnObject(POINTER)], |_, args| Ok(Value::Int(compare(args)? as i64))),
    Function::new("Equal", &[AnObject(POINTER)], |_, args| Ok(Value::Bool(compare(args)?.is_eq()))),
    Function::new("GreaterThan", &[AnObject(POINTER)], |_, args| Ok(Value::Bool(compare(args)?.is_gt()))),
    Function::new("GreaterThanEqual", &[AnObject(POINTER)], |_, args| Ok(Value::Bool(compare(args)?.is_ge()))),
    Function::new("LessThan", &[AnObject(POINTER)], |_, args| Ok(Value::Bool(compare(args)?.is_lt()))),
    Function::new("LessThanEqual", &[AnObject(POINTER)], |_, args| Ok(Value::Bool(compare(args)?.is_le()))),
];

/// Those with a value receiver: what a method gives is not addressable.
const METHODS: &[Function] = POINTER_METHODS.split_at(12).0;

fn set_prerelease(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let prerelease = readable(args, 1)?;
    check_prerelease(prerelease).map_err(failed)?;
    Ok(by_value(receiver(args)?.derived(|version| prerelease.clone_into(&mut version.prerelease))))
}

fn set_metadata(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let metadata = readable(args, 1)?;
    check_metadata(metadata).map_err(failed)?;
    Ok(by_value(receiver(args)?.derived(|version| metadata.clone_into(&mut version.metadata))))
}

fn by_value(version: Version) -> Value {
    Value::object(VersionObject { version, pointer: false })
}

fn receiver<'a>(args: Arguments<'a>) -> Result<&'a Version, FunctionError> {
    version_at(args, 0)
}

fn compare(args: Arguments<'_>) -> Result<std::cmp::Ordering, FunctionError> {
    Ok(version_at(args, 0)?.compare(version_at(args, 1)?))
}

fn version_at<'a>(args: Arguments<'a>, index: usize) -> Result<&'a Version, FunctionError> {
    let object = args.value(index).downcast::<VersionObject>();
    object.map(|object| &object.version).ok_or_else(|| FunctionError::failed("nil pointer dereference"))
}
