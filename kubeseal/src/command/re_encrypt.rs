//! Has the controller encrypt SealedSecrets with its newest key (spec/kubeseal-cli.md 10.6).

use sealed_secrets_resource::document::read_stream;
use sealed_secrets_resource::{ApplyError, SealedFile, SealedSecret};

use super::{KIND, none_found, object_name, unwritable_in_place};
use crate::args::Args;
use crate::cluster::Controller;
use crate::error::{Error, Result};
use crate::input::{Input, Name};
use crate::output::{self, Output};

/// Results go to standard output or to `--sealed-secret-file`; of an input file without the latter, back into the file.
pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let mut output = match (&args.sealed_secret_file, &input) {
        (None, Input::File(name, _)) => Output::in_place(name, &args.format)?,
        (file, _) => Output::prepare(file.as_deref(), &args.format)?,
    };
    let in_place = args.sealed_secret_file.is_none() && output.replaces_a_file();
    let controller = Controller::connect(&args.access())?;
    let name = input.name();
    let text = input.read()?;
    let file = SealedFile::read(&text).map_err(|error| describe(&name, &error))?;
    if file.objects().len() == 0 {
        return Err(none_found());
    }
    let several = file.objects().len() > 1;
    let re_encrypt = |(index, sealed): (usize, &SealedSecret)| {
        let answer = controller.re_encrypt(sealed);
        answer.map_err(|error| if several { error.about(&object_name(KIND, &sealed.metadata, index)) } else { error })
    };
    if in_place {
        let answers: Vec<_> = file.objects().enumerate().map(re_encrypt).collect::<Result<_>>()?;
        write_in_place(args, &name, &text, &file, &answers, &mut output)?;
    } else {
        for sealed in file.objects().enumerate() {
            output.write_resource(&re_encrypt(sealed)?)?;
        }
    }
    output.commit()
}

/// Only ciphertexts change, unless another format was asked for or the file cannot be changed any other way.
fn write_in_place(
    args: &Args,
    name: &Name,
    text: &[u8],
    file: &SealedFile<'_>,
    answers: &[SealedSecret],
    output: &mut Output,
) -> Result<()> {
    let asked = args.format_explicit.as_deref().map(output::format).transpose()?;
    let documents = read_stream(text).map_err(|error| describe(name, &error.into()))?;
    let other_format = asked.is_some_and(|format| documents.iter().any(|document| document.format != format));
    if !other_format {
        match file.with_answers(answers) {
            Ok(edited) => return output.write_bytes(edited.as_bytes()),
            Err(ApplyError::Edit(error)) if asked.is_some() && error.is_about_style() => {}
            Err(error) => return Err(describe(name, &error)),
        }
    }
    answers.iter().try_for_each(|answer| output.write_resource(answer))
}

fn describe(name: &Name, error: &ApplyError) -> Error {
    match (error, name) {
        (ApplyError::Edit(error), Name::File(name)) => unwritable_in_place(name, error),
        (ApplyError::Read(error), Name::Stdin) => Error::new(format!("cannot read the input: {error}")),
        _ => name.locate(Error::new(error.to_string())),
    }
}
