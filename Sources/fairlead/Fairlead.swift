import ArgumentParser

@main
struct Fairlead: ParsableCommand {
}
