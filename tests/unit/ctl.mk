# tests of ctl
