; The installer for Windows, made from the built folder by Inno Setup 6.  Not run from where it was written.
;
;   iscc /DVersion=0.1.0 .ci\package\windows\alphapanda.iss      writes dist\AlphaPanda-0.1.0-setup.exe
;
; For the person who installs it and for nobody else, so no administrator is asked.  Taking it away leaves settings,
; journals and recordings in %LOCALAPPDATA%\alphapanda: they are the person's.

#ifndef Version
  #error Name the version: iscc /DVersion=...
#endif
#define Root SourcePath + "..\..\.."

[Setup]
AppId={{6E0C5A1B-7C83-4E0B-9B1E-3B6E2F1C9A54}
AppName=AlphaPanda
AppVersion={#Version}
AppVerName=AlphaPanda {#Version}
AppPublisher=AlphaPanda
VersionInfoVersion={#Version}
DefaultDirName={autopf}\AlphaPanda
DefaultGroupName=AlphaPanda
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
OutputDir={#Root}\dist
OutputBaseFilename=AlphaPanda-{#Version}-setup
SetupIconFile={#Root}\build\parts\alphapanda.ico
UninstallDisplayIcon={app}\alphapanda.exe
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
CloseApplications=yes
RestartApplications=no

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"; Flags: unchecked

[InstallDelete]
; A library that a version no longer brings must not be found by it.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Root}\dist\alphapanda\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\AlphaPanda"; Filename: "{app}\alphapanda.exe"
Name: "{autoprograms}\AlphaPanda (practice)"; Filename: "{app}\alphapanda.exe"; Parameters: "--mode practice"
Name: "{autodesktop}\AlphaPanda"; Filename: "{app}\alphapanda.exe"; Tasks: desktopicon

[Run]
Filename: "{app}\alphapanda.exe"; Description: "{cm:LaunchProgram,AlphaPanda}"; Flags: nowait postinstall skipifsilent
