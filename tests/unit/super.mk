# tests of super
