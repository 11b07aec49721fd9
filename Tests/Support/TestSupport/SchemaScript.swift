// How configuration files are held against their JSON Schema, as an editor does: by a validator
// that is not ours.

/// A script for Python, with jsonschema and PyYAML.
package enum SchemaScript {
    /// Says of each file whether the schema, the first argument, accepts it: a line with its name
    /// and `good` or `bad`, and why on standard error. Scalars are read as YAML 1.2 has them: `on`
    /// and `off` are words.
    package static let text = """
        import json, re, sys
        import jsonschema, yaml

        class Loader(yaml.SafeLoader):
            yaml_implicit_resolvers = {}

        for tag, pattern, first in [
            ("bool", "^(?:true|false)$", "tf"), ("int", "^-?[0-9]+$", "-0123456789"),
            ("null", "^(?:~|null|)$", ["~", "n", ""]),
        ]:
            Loader.add_implicit_resolver(
                "tag:yaml.org,2002:" + tag, re.compile(pattern), list(first))

        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for path in sys.argv[2:]:
            errors = list(validator.iter_errors(yaml.load(open(path), Loader)))
            print(path.split("/")[-1], "bad" if errors else "good")
            for error in errors:
                print("   ", list(error.absolute_path), error.message[:200], file=sys.stderr)
        """
}
